"""Programs begun in a warm interpreter behave as those with one of their own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PACK = [sys.executable, "-m", "espnet2.bin.pack"]
SCRIPT = "egs2/TEMPLATE/asr_with_enhancement/pyscripts/utils/take_recogniser.py"


def run(
    words: list[str], env: dict[str, str], **options
) -> subprocess.CompletedProcess:
    return subprocess.run(words, env=env, capture_output=True, text=True, **options)


def test_output_errors_and_exit_codes_are_the_same(
    repo_env, own_process_env, repo_root, tmp_path
):
    script = [sys.executable, str(repo_root / SCRIPT)]
    commands = [[*PACK, *words] for words in (["--help"], ["asr"], ["no such"])]
    for command in (*commands, [*script, "--help"]):
        warm = run(command, repo_env, cwd=tmp_path)
        cold = run(command, own_process_env, cwd=tmp_path)
        assert warm.returncode == cold.returncode
        assert (warm.stdout, warm.stderr) == (cold.stdout, cold.stderr)


def processes(folder: Path) -> set[int]:
    """The processes that work in a folder."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if path.readlink() == folder:
                found.add(int(path.parent.name))
    return found


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_ends_the_program_and_its_client(repo_env, tmp_path, number):
    """The program waits for its config, which is a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "pipe")
    words = [sys.executable, "-m", "espnet2.bin.asr_inference", "--config", "pipe"]
    words += ["--output_dir", "out", "--data_path_and_name_and_type", "a,speech,sound"]
    client = subprocess.Popen(
        words, env=repo_env, cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: len(processes(tmp_path)) == 2)
    time.sleep(0.5)  # until it reads
    client.send_signal(number)
    assert client.wait(60) == -number
    wait_until(lambda: not processes(tmp_path))
