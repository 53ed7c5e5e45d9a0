"""SIGTERM and SIGUSR1 end a training at its next step, with a checkpoint.

Schedulers send them before they take the machine away (Slurm: preemption, and ``sbatch
--signal`` some time before the limit).
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.context import SpawnProcess
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

    The ranks are the processes that upstream spawns, one for each GPU. May be nested;
    what was received is forgotten at the outermost end. Python delivers signals to the
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
        if isinstance(child, SpawnProcess) and child.pid is not None:
            os.kill(child.pid, number)


def ignoring_stop_signals(worker_init: Callable | None) -> Callable[[int], None]:
    """Return a DataLoader's ``worker_init_fn`` under which the worker outlives them.

    PyTorch's workers die of SIGTERM, and with them the step that waits for their batch;
    a scheduler sends it to every process of the job.
    """
    return _WorkerInit(worker_init)


class _WorkerInit:
    """A class, so that workers that are spawned can be given it."""

    def __init__(self, worker_init: Callable | None) -> None:
        self.worker_init = worker_init

    def __call__(self, worker: int) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if self.worker_init is not None:
            self.worker_init(worker)
