"""Lets ``python -m espnet2.bin.<program>`` begin in a warm interpreter, in no time.

Python runs this file before anything else. A program of the list below, one of the
recipes' scripts, or snakemake, is handed to the server of ``warm_interpreter.py``, with
arguments, environment, folder, open standard files, limits, processor cores and ignored
signals; this process stays, hands on signals, and ends as the program does. All other
commands, and all where no server is named, start as ever.
"""

import os
import sys

PROGRAMS = (
    "asr_inference",
    "enh_inference",
    "enh_scoring",
    "gradient_remedy_train",
    "gradient_report",
    "gradient_signal",
    "interruptible_asr_train",
    "interruptible_lm_train",
    "joint_inference",
    "lm_calc_perplexity",
    "pack",
    "recogniser_inference",
    "result_page",
    "tokenize_text",
    "transcribe",
)
# Those that import PyTorch; the others start in no time.
SCRIPTS = (
    "pyscripts/utils/take_joint_model.py",
    "pyscripts/utils/take_listeners.py",
    "pyscripts/utils/take_recogniser.py",
)
SNAKEMAKE = "tools/study_venv/bin/snakemake"  # has a server of its own


def _hand_over(path: str, program: str, words: list[str]) -> None:
    import array
    import json
    import resource
    import signal
    import socket

    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
    except OSError:
        return  # the server has ended with its tests
    ignored = [
        s for s in signal.valid_signals() if signal.getsignal(s) is signal.SIG_IGN
    ]
    limits = ("RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_AS", "RLIMIT_CORE")
    task = {
        "program": program,
        "words": words,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "path": sys.path,
        "umask": os.umask(0o077),
        "cores": list(os.sched_getaffinity(0)),
        "ignored": ignored,
        "limits": {key: resource.getrlimit(getattr(resource, key)) for key in limits},
        "streams": [(file.encoding, file.errors) for file in (sys.stdout, sys.stderr)],
        "unbuffered": bool(os.environ.get("PYTHONUNBUFFERED")),
    }
    message = json.dumps(task).encode()
    files = array.array("i", [0, 1, 2])
    connection.sendmsg(
        [len(message).to_bytes(8, "big")],
        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)],
    )
    connection.sendall(message)
    for name in ("INT", "TERM", "HUP", "USR1", "USR2"):
        number = signal.Signals[f"SIG{name}"]
        if number not in ignored:
            signal.signal(number, lambda got, _: connection.sendall(bytes([got])))
    answer = connection.recv(4)
    code = int.from_bytes(answer, "big", signed=True) if answer else -signal.SIGKILL
    if code < 0:
        if code != -signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _start() -> None:
    words = sys.orig_argv[1:]
    is_snakemake = bool(words) and words[0].endswith(SNAKEMAKE)
    server = os.environ.get("WARM_SNAKEMAKE" if is_snakemake else "WARM_INTERPRETER")
    if not server or not words:
        return
    if is_snakemake or words[0].endswith(SCRIPTS):
        _hand_over(server, words[0], words[1:])
    if words[0] == "-m" and len(words) > 1:
        package, _, program = words[1].rpartition(".")
        if package == "espnet2.bin" and program in PROGRAMS:
            _hand_over(server, words[1], words[2:])


_start()
