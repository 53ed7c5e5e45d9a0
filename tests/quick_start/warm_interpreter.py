"""Interpreters that have imported PyTorch and ESPnet already, forked one a program.

    python warm_interpreter.py <n> [snakemake]

serves socket n with interpreters for ESPnet's programs, or for snakemake, until its
standard input ends.

A program takes 7 to 13 CPU seconds to start, most of them for imports, and a recipe's
test starts twenty. See ``sitecustomize.py``, which asks for one. They have one thread,
whatever ``OMP_NUM_THREADS`` the program is given. Trainings that cluster/ runs on
Slurm, what tests look for by its command line, and a snakemake that is stopped, have
interpreters of their own, as users do.
"""

import array
import atexit
import gc
import importlib
import io
import json
import os
import random
import resource
import runpy
import select
import signal
import socket
import sys
import threading

from sitecustomize import PROGRAMS


def import_programs() -> None:
    """Import all that the programs import, and forget the programs themselves."""
    for program in PROGRAMS:
        name = f"espnet2.bin.{program}"
        importlib.import_module(name)
        del sys.modules[name]
        delattr(sys.modules["espnet2.bin"], program)
    for slow in ("torch._dynamo", "matplotlib.pyplot", "torch.utils.tensorboard"):
        importlib.import_module(slow)


def receive(connection: socket.socket) -> tuple[dict, list[int]]:
    """Return the task, and the three standard files; end if the client was killed."""
    files = array.array("i")
    head, ancillary, _, _ = connection.recvmsg(8, socket.CMSG_SPACE(3 * files.itemsize))
    length = int.from_bytes(head, "big")
    text = connection.recv(length, socket.MSG_WAITALL)
    if not ancillary or len(text) < length:
        os._exit(0)
    files.frombytes(ancillary[0][2])
    return json.loads(text), list(files)


def watch(connection: socket.socket, worker: int) -> None:
    """Hand on signals and the exit status; a killed client takes its program along."""
    gone = os.pidfd_open(worker)
    waiting = [connection, gone]
    while gone not in select.select(waiting, [], [])[0]:
        number = connection.recv(1)
        os.kill(worker, number[0] if number else signal.SIGKILL)
        if not number:
            waiting = [gone]
    code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    try:
        connection.sendall(code.to_bytes(4, "big", signed=True))
    except OSError:
        pass  # nobody waits any more
    os._exit(0)


def open_stream(
    number: int, encoding: str, errors: str, is_unbuffered: bool
) -> io.TextIOWrapper:
    """Return what Python itself would make of a standard file."""
    raw = open(number, "wb", buffering=0 if is_unbuffered else -1, closefd=False)
    by_line = number == 2 or raw.isatty()
    return io.TextIOWrapper(
        raw, encoding, errors, line_buffering=by_line, write_through=is_unbuffered
    )


def become(task: dict, files: list[int]) -> None:
    """Make this process the one that was asked for."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(task["environment"])
    os.chdir(task["folder"])
    os.umask(task["umask"])
    os.sched_setaffinity(0, task["cores"])
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        usual = (
            signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        )
        signal.signal(number, signal.SIG_IGN if number in task["ignored"] else usual)
    for name, limit in task["limits"].items():
        resource.setrlimit(getattr(resource, name), limit)
    sys.stdout, sys.stderr = (
        open_stream(number, *named, task["unbuffered"])
        for number, named in enumerate(task["streams"], 1)
    )
    random.seed()
    sys.modules["numpy"].random.seed()
    program, words = task["program"], task["words"]
    is_script = os.sep in program
    first = os.path.dirname(os.path.realpath(program)) if is_script else task["folder"]
    sys.path[:] = [first, *task["path"]]
    sys.orig_argv = [sys.executable, *([] if is_script else ["-m"]), program, *words]
    sys.argv = [program if is_script else "-m", *words]


def serve(listener: socket.socket) -> str | None:
    """Fork an interpreter a request; return, there, the program that it has to run."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        task, files = receive(connection)
        worker = os.fork()
        if worker:
            for file in files:
                os.close(file)
            watch(connection, worker)
        connection.close()
        become(task, files)
        return task["program"]
    return None


def run(program: str) -> None:
    """Run a script or module as Python does, and end without taking down what it used.

    That would be writing to all of the memory which the server shares with it.
    """
    try:
        if os.sep in program:
            runpy.run_path(program, run_name="__main__")
        else:
            runpy.run_module(program, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        code = end.code or 0
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    if sys.argv[2:] == ["snakemake"]:
        importlib.import_module("snakemake.cli")
    else:
        import_programs()
    gc.collect()
    gc.freeze()
    program = serve(socket.socket(fileno=int(sys.argv[1])))
    if program:
        run(program)
