"""The training programs: exit codes, restarts, and what they refuse to load."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch.multiprocessing import ProcessExitedException

from espnet2.bin.interruptible_lm_train import InterruptibleLMTask
from espnet2.interruptible.mid_epoch import FILE_NAME
from espnet2.interruptible.signals import (
    STOPPED,
    remembering_stop_signals,
    shielded,
    stop_signal,
)
from espnet2.interruptible.task import PLAIN_LOADING, InterruptibleTask, after_restart

WORDS = ["<blank>", "<unk>", "A", "B", "C", "<sos/eos>"]


@pytest.fixture
def lm_training(tmp_path, repo_env, own_process_env):
    """Start the LM training program on 40 short texts, in a process of its own or not.

    Only in one of its own are the program's processes the children of the one started.
    """
    (tmp_path / "tokens.txt").write_text("\n".join(WORDS) + "\n")
    lines = [
        f"u{n:02} {' '.join(WORDS[2 + (n + k) % 3] for k in range(4))}\n"
        for n in range(40)
    ]
    (tmp_path / "text").write_text("".join(lines))
    (tmp_path / "shape").write_text("".join(f"u{n:02} 4\n" for n in range(40)))

    def start(
        folder: str, max_epoch: int, *more: str, own: bool = False
    ) -> subprocess.Popen:
        words = [
            "--token_list",
            "tokens.txt",
            "--token_type",
            "word",
            "--resume",
            "true",
        ]
        for part in ("train", "valid"):
            words += [f"--{part}_data_path_and_name_and_type", "text,text,text"]
            words += [f"--{part}_shape_file", "shape"]
        words += ["--lm_conf", "unit=8", "--lm_conf", "nlayers=1", "--optim", "adam"]
        words += [
            "--max_epoch",
            str(max_epoch),
            "--batch_size",
            "2",
            "--num_workers",
            "1",
        ]
        words += [
            "--fold_length",
            "100",
            "--output_dir",
            folder,
            "--use_matplotlib",
            "false",
        ]
        log = (tmp_path / f"{folder}.log").open("a")
        program = [sys.executable, "-m", "espnet2.bin.interruptible_lm_train", *words]
        program += more
        return subprocess.Popen(
            program,
            cwd=tmp_path,
            env=own_process_env if own else repo_env,
            stderr=log,
            stdout=log,
        )

    return start


def wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)


def children(process: subprocess.Popen) -> list[int]:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not (found := path.read_text().split()):  # between two epochs
        assert process.poll() is None
    return [int(child) for child in found]


@pytest.mark.slow
@pytest.mark.parametrize("ranks", ["1", "2"])
def test_a_stopped_training_exits_with_75_and_the_same_command_goes_on(
    tmp_path, lm_training, ranks
):
    """The whole process group is asked, as Slurm does; the loader's workers too."""
    words = ("--cpu_ranks", ranks)
    assert lm_training("straight", 6, *words).wait(timeout=300) == 0
    process = lm_training("broken", 6, *words, own=True)
    wait_for(tmp_path / "broken" / "1epoch.pth", process)
    for pid in (process.pid, *children(process)):
        os.kill(pid, signal.SIGTERM)
    assert process.wait(timeout=60) == STOPPED
    assert (tmp_path / "broken" / FILE_NAME).exists()
    log = (tmp_path / "broken.log").read_text()
    assert "SIGTERM: stopped" in log and "the same command goes on" in log
    assert lm_training("broken", 6, *words).wait(timeout=300) == 0
    models = [
        torch.load(tmp_path / name / "valid.loss.ave.pth", weights_only=True)
        for name in ("straight", "broken")
    ]
    for name, value in models[0].items():
        assert torch.equal(models[1][name], value), name


@pytest.mark.slow
def test_two_ranks_train_what_one_process_trains(tmp_path, lm_training):
    words = ("--lm_conf", "dropout_rate=0")
    for ranks in ("1", "2"):
        process = lm_training(ranks, 2, *words, "--cpu_ranks", ranks)
        assert process.wait(timeout=300) == 0
    one, two = (
        torch.load(tmp_path / ranks / "2epoch.pth", weights_only=True)
        for ranks in ("1", "2")
    )
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_killed_rank_ends_the_other_and_the_program_says_so(tmp_path, lm_training):
    process = lm_training("exp", 1000, "--cpu_ranks", "2", own=True)
    wait_for(tmp_path / "exp" / "1epoch.pth", process)
    ranks = children(process)
    os.kill(ranks[1], signal.SIGKILL)
    assert process.wait(timeout=120) == 1
    assert "terminated with signal SIGKILL" in (tmp_path / "exp.log").read_text()
    assert not Path(f"/proc/{ranks[0]}").exists()


class Touch:
    """A pickle that runs a command when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.slow
def test_a_pickle_that_runs_code_is_not_loaded(tmp_path, lm_training):
    (tmp_path / "exp").mkdir()
    state = {"model": Touch(tmp_path / "pwned"), "reporter": {}, "optimizers": []}
    torch.save(state, tmp_path / "exp" / "checkpoint.pth")
    assert lm_training("exp", 1).wait(timeout=120) == 1
    log = (tmp_path / "exp.log").read_text()
    assert "if you trust its source, set TORCH_FORCE_WEIGHTS_ONLY_LOAD=0" in log
    assert not (tmp_path / "pwned").exists()


class Exits:
    """Stands for upstream's task; its ranks end as the test says."""

    code = 0

    handlers = []

    @classmethod
    def main(cls, args):
        cls.handlers.append(signal.getsignal(signal.SIGTERM))
        raise ProcessExitedException(
            "rank 1", error_index=1, error_pid=1, exit_code=cls.code
        )


class Task(InterruptibleTask, Exits):
    @classmethod
    def get_parser(cls):
        return InterruptibleLMTask.get_parser()


@pytest.mark.parametrize("code", [STOPPED, 1, 137])
def test_the_exit_code_of_stopped_ranks_is_that_of_the_program(monkeypatch, code):
    monkeypatch.setenv(PLAIN_LOADING, "1")
    monkeypatch.setattr(Exits, "code", code)
    expected = SystemExit if code == STOPPED else ProcessExitedException
    with pytest.raises(expected) as ending:
        Task.main(cmd=["--output_dir", "unused"])
    assert (ending.value.code if code == STOPPED else ending.value.exit_code) == code


def test_statistics_die_of_sigterm_as_any_program(monkeypatch):
    monkeypatch.setenv(PLAIN_LOADING, "1")
    for words in ([], ["--collect_stats", "true"]):
        with pytest.raises(ProcessExitedException):
            Task.main(cmd=["--output_dir", "unused", *words])
    before = signal.getsignal(signal.SIGTERM)
    assert Exits.handlers[-1] is before and Exits.handlers[-2] is not before


def test_after_a_requeue_the_ranks_meet_elsewhere(monkeypatch):
    for restarts, expected in (
        (None, "file:///x"),
        ("0", "file:///x"),
        ("2", "file:///x.2"),
    ):
        if restarts is not None:
            monkeypatch.setenv("SLURM_RESTART_COUNT", restarts)
        assert after_restart("file:///x") == expected
        assert after_restart("env://") == "env://"


def test_signals_are_remembered_within_and_forgotten_after():
    before = signal.getsignal(signal.SIGTERM)
    with remembering_stop_signals():
        with remembering_stop_signals():
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop_signal() == "SIGTERM"
        assert stop_signal() == "SIGTERM"
    assert stop_signal() is None
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_process_forked_for_an_item_does_not_get_the_stop_signals():
    """A loader's worker died of SIGTERM between its fork and its first line of ours."""

    def items():
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            time.sleep(0.5)
            os._exit(7)
        yield child
        yield None

    children = []
    with remembering_stop_signals():
        for child in shielded(items()):
            children.append(child)
            if child is not None:
                os.kill(child, signal.SIGTERM)
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            assert stop_signal() is None
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop_signal() == "SIGTERM"
    assert len(children) == 2
