"""The commands of a comparison: how a run is made, where, and on which cores."""

import os
import signal
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import IO, NamedTuple

from compare_plan import Condition, Plan, Run

FIRST_MODEL = "valid.loss.ave.pth"
START_MODEL = "valid.acc.ave.pth"
TAIL_LINES = 15


class CommandError(Exception):
    """A command failed; the message names it and ends with its log's last lines."""


class Machine(NamedTuple):
    """How jobs are started, how many at a time and with how many GPUs each."""

    starter: list[str]
    jobs: int
    ngpu: int

    def cores_of_workers(self) -> list[set[int]]:
        """Return the cores of each worker: one, if several share the CPU."""
        cores = sorted(os.sched_getaffinity(0))
        if self.jobs == 1 or self.ngpu > 0:
            return [set(cores)] * self.jobs
        return [{cores[worker % len(cores)]} for worker in range(self.jobs)]

    @property
    def nj(self) -> int:
        """Processes that one run may have for decoding and scores."""
        cores = len(os.sched_getaffinity(0))
        return max(1, cores // self.jobs) if self.ngpu or self.jobs == 1 else 1


class Commands:
    """Builds the commands of a plan and runs them in sessions that can be ended."""

    def __init__(self, plan: Plan, machine: Machine) -> None:
        self.plan = plan
        self.machine = machine
        self._children: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def of_data(self, condition: Condition) -> list[str]:
        """Return the command of stages 1 to 10."""
        return [
            *self._start("log/data.log"),
            *("./run.sh", "--stage", "1", "--stop_stage", "10"),
            *("--enh_asr_config", self.plan.base_config),
            *("--enh_asr_args", self.plan.common_args),
            *("--local_data_opts", condition.corpus),
            *condition.recipe_words,
        ]

    def of_training(self, run: Run) -> list[str]:
        """Return the command that trains a run's model."""
        if "asr_alone" in run.method:
            return self._asr_alone(run, "train", _start_flags(run))
        return self._stages(run, run.method["args"] + _start_flags(run), 11, 11)

    def of_test(self, run: Run) -> list[str]:
        """Return the command that decodes and scores a run's test set."""
        if "asr_alone" in run.method:
            return self._asr_alone(run, "test", "")
        return self._stages(run, run.method["args"], 12, 15)

    def _stages(self, run: Run, flags: str, stage: int, stop_stage: int) -> list[str]:
        exp = run.experiment
        nj = str(self.machine.nj)
        return [
            *self._start(f"log/{Path(exp).name}.stage{stage}.log"),
            *("./run.sh", "--stage", str(stage), "--stop_stage", str(stop_stage)),
            *("--ngpu", str(self.machine.ngpu), "--nj", nj, "--inference_nj", nj),
            *("--enh_asr_config", self.plan.base_config),
            *("--inference_config", self.plan.decode_config),
            *("--dumpdir", f"{exp}/dump", "--enh_asr_exp", exp),
            *("--enh_asr_args", f"{flags} --seed {run.seed}"),
            *run.condition.recipe_words,
        ]

    def _asr_alone(self, run: Run, step: str, start: str) -> list[str]:
        flags = f"{run.method['asr_alone']}{start} --seed {run.seed}"
        return [
            *self._start(f"log/{Path(run.experiment).name}.{step}.log"),
            *("python3", "local/compare_asr_alone.py", step, "--exp", run.experiment),
            *("--config", self.plan.base_config, f"--args={flags}"),
            *("--decode_config", self.plan.decode_config),
            *("--ngpu", str(self.machine.ngpu)),
        ]

    def _start(self, log: str) -> list[str]:
        return ["nice", *self.machine.starter, log]

    def run(self, command: list[str], folder: Path, lock: IO) -> None:
        """Run a command in a condition's folder; ``lock`` is held as long as it lives.

        Raises:
            CommandError: it failed, or all commands were stopped.
        """
        log = folder / command[1 + len(self.machine.starter)]
        with self._lock:
            if self._stopped:
                raise CommandError("stopped")
            child = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )
            self._children.add(child)
        code = child.wait()
        with self._lock:
            self._children.discard(child)
        if code != 0:
            raise CommandError(f"exit code {code}, the end of {log}:\n{_tail(log)}")

    def stop(self) -> None:
        """End all running commands and let no other begin."""
        with self._lock:
            self._stopped = True
            children = list(self._children)
        for child in children:
            os.killpg(child.pid, signal.SIGTERM)
        for child in children:
            child.wait()


def _start_flags(run: Run) -> str:
    """Return the flags that load what a run begins with."""
    if run.start is None:
        return ""
    if "asr_alone" in run.start.method:
        part = "" if "asr_alone" in run.method else ":s2t_model"
        return f" --init_param {run.start.experiment}/{START_MODEL}:{part}"
    # If that training began with a recogniser, its model has it, too.
    part = "" if run.start.start else ":enh_model:enh_model"
    return f" --init_param {run.start.experiment}/{FIRST_MODEL}{part}"


def _tail(log: Path) -> str:
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            lines = (f"    {line}" for line in file if not line.startswith("# "))
            return "".join(deque(lines, TAIL_LINES)).rstrip()
    except OSError:
        return "    (there is no log)"
