"""Work in several processes: in order, and with one line where one was killed."""

import os
import signal

import pytest

from espnet2.data_dir.parallel import work_on
from espnet2.data_dir.tables import DataError


def square(number: int) -> int:
    return number**2


def die_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("at_a_time", [1, 4])
def test_results_come_in_the_order_of_the_items(processes, at_a_time):
    found = list(work_on(range(9), square, processes, "numbers", at_a_time))
    assert found == [number**2 for number in range(9)]


def test_a_killed_process_is_told_in_words(capsys):
    with pytest.raises(DataError, match="killed, perhaps for want of memory"):
        list(work_on(range(9), die_at_three, 2, "numbers"))


def test_no_process_is_too_few():
    with pytest.raises(DataError, match="--nj 0: want 1 or more"):
        list(work_on(range(9), square, 0, "numbers"))
