"""What a training user sees while it runs."""

import io
import json
import subprocess
import sys

import pytest
import tiny
import torch
from rich.console import Console

from espnet2.bin import training_progress
from espnet2.interruptible.progress import FILE_NAME, ProgressIterator
from espnet2.train.reporter import Reporter


def state(**changes) -> dict:
    first = {"epoch": 1, "max_epoch": 5, "step": 10, "steps": 100, "loss": 2.5}
    return {**first, "time": 1000.0, **changes}


def test_time_left_is_worked_out_from_the_pace():
    # 90 steps in 45 s, 400 left: 200 s.
    later = state(step=100, time=1045.0)
    assert training_progress.seconds_left(state(), later) == pytest.approx(200.0)
    line = training_progress.format_line(state(), later)
    assert line == "epoch 1/5  step 100/100  loss 2.50  time left 3:20"


def test_a_resumed_run_counts_its_own_steps_only():
    first = state(epoch=3, step=50)
    later = state(epoch=3, step=60, time=1010.0)
    assert training_progress.seconds_left(first, later) == pytest.approx(240.0)


def test_what_is_not_known_is_a_question_mark():
    line = training_progress.format_line(state(), state(steps=None, loss=None))
    assert line == "epoch 1/5  step 10/?  loss ?  time left ?:??"
    assert training_progress.format_seconds(3725) == "1:02:05"


def test_the_file_says_where_the_epoch_is(tmp_path):
    reporter = Reporter()
    reporter.set_epoch(2)
    with reporter.observe("train") as sub:
        iterator = ProgressIterator(tiny.Batches(3), tmp_path, sub, 7)
        assert len(iterator) == 3
        for step, _ in enumerate(iterator, 1):
            sub.register({"loss": torch.tensor(float(step))})
            sub.next()
    written = json.loads((tmp_path / FILE_NAME).read_text(encoding="utf-8"))
    assert {key: written[key] for key in ("epoch", "max_epoch", "step", "steps")} == {
        "epoch": 2,
        "max_epoch": 7,
        "step": 3,
        "steps": 3,
    }
    assert written["loss"] == 3.0
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.slow
def test_the_watcher_ends_with_the_process_and_prints_plain_lines(tmp_path):
    path = tmp_path / FILE_NAME
    write = (
        "import json, sys, time; from pathlib import Path\n"
        f"state = {state()!r}\n"
        "for step in (10, 20):\n"
        "    time.sleep(1)\n"
        "    state.update(step=step, time=time.time())\n"
        f"    Path({str(path)!r}).write_text(json.dumps(state))\n"
    )
    output = io.StringIO()
    with subprocess.Popen([sys.executable, "-c", write]) as process:
        training_progress.watch(path, process.pid, Console(file=output, width=100))
    lines = [line for line in output.getvalue().splitlines() if line.strip()]
    assert lines[0].startswith("epoch 1/5  step 10/100  loss 2.50")
    assert lines[-1].startswith("epoch 1/5  step 20/100  loss 2.50  time left")
    assert "\x1b" not in output.getvalue()


def test_a_file_of_an_earlier_run_is_not_shown(tmp_path):
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps(state()), encoding="utf-8")
    assert training_progress.read_progress(path, not_before=2000.0) is None
    assert training_progress.read_progress(path, not_before=500.0) == state()
