"""SIGTERM and SIGUSR1 end a training at its next step, with a checkpoint.

Schedulers send them before they take the machine away (Slurm: preemption, and ``sbatch
--signal`` some time before the limit).
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
# The exit code of a training that was stopped and can be gone on with (EX_TEMPFAIL).
STOPPED = 75

_received: list[str] = []


def stop_signal() -> str | None:
    """Return the name of the signal that asked this process to stop, or None."""
    return _received[-1] if _received else None


@contextlib.contextmanager
def remembering_stop_signals() -> Iterator[None]:
    """Remember the signals in place of dying of them, and pass them on to the ranks.

    The ranks are the processes that a training makes of itself, one for each GPU or as
    ``cpu_ranks`` says; the loaders' workers are daemons. May be nested; what was
    received is forgotten at the outermost end. Python delivers signals to the
    main thread only: elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _remember) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if _remember not in before.values():
            _received.clear()


def _remember(number: int, frame: FrameType | None) -> None:
    _received.append(signal.Signals(number).name)
    for child in multiprocessing.active_children():
        if not child.daemon and child.pid is not None:
            os.kill(child.pid, number)


def shielded(iterable: Iterable) -> Iterator:
    """Pass items on; processes forked while one is read never get the stop signals.

    PyTorch's loader workers die of SIGTERM, and with them the step that waits for their
    batch, but a scheduler sends it to every process of the job. Blocked signals stay
    blocked in a forked process; here they arrive when the item is there.
    """
    iterator = None
    while True:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            iterator = iter(iterable) if iterator is None else iterator
            item = next(iterator)
        except StopIteration:
            return
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield item
