"""Train and score every run of a comparison that ``results.tsv`` does not hold yet.

The data of a condition are made once. Each run goes through stages 11 to 15 of run.sh
in a folder of its own below ``exp/compare``, where a stopped one resumes; stage 11, the
training, in the folder of another condition if it is only a test of what that trains.
"""

import argparse
import functools
import os
import re
import shlex
import signal
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue
from typing import IO

from compare_commands import CommandError, Commands, Machine
from compare_folders import has_model, link_dump, link_model, link_recipe
from compare_plan import Condition, Plan, Run
from compare_results import Key, Results, locked
from compare_scores import collect_row
from compare_tools import ScoreError, describe_environment
from compare_yaml import read_plan

Failures = (CommandError, ScoreError, OSError, ValueError)


def main() -> int:
    """Make the runs; return 1 if one failed."""
    args = get_parser().parse_args()
    try:
        plan = read_plan(args.conf)
        results = Results(Path())
        todo = select_runs(plan, results.rows(), args.runs)
    except (ValueError, re.error) as error:
        print(f"compare_methods.sh: error: {error}", file=sys.stderr)
        return 2
    machine = Machine(shlex.split(args.cmd), args.jobs, args.ngpu)
    commands = Commands(plan, machine)
    if args.dry_run:
        for run in todo:
            steps = [commands.of_training(training) for training in run.trainings]
            steps.append(commands.of_test(run))
            print(run.label, *map(shlex.join, steps), sep="\n    ")
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        failed = prepare(todo, commands)
        if args.stop_stage > 1:
            ready = [
                run
                for run in todo
                if not {c.name for c in conditions_of(run)} & {*failed}
            ]
            make = functools.partial(make_run, commands=commands, results=results)
            failed += make_all(ready, make, args.jobs, machine.cores_of_workers())
    except KeyboardInterrupt:
        commands.stop()
        return 130
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of what compare_methods.sh passes on."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conf", type=Path, required=True, help="the comparison")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument("--ngpu", type=int, default=0, help="GPUs of each run")
    parser.add_argument("--runs", default="", help="only what this expression finds")
    parser.add_argument("--cmd", default="run.pl", help="what starts a job")
    parser.add_argument("--stop_stage", type=int, default=2, help="1: data alone")
    parser.add_argument("--dry_run", action="store_true", help="list what is to do")
    return parser


def select_runs(plan: Plan, done: dict[Key, dict], expression: str) -> list[Run]:
    """Return the wanted runs without a row; say how many have one.

    Raises:
        ValueError: the expression finds no run at all.
    """
    wanted = [run for run in plan.runs if re.search(expression, run.label)]
    if not wanted:
        raise ValueError(f"--runs {expression}: finds none, e.g. {plan.runs[0].label}")
    todo = [run for run in wanted if run.key not in done]
    print(f"{len(wanted) - len(todo)} runs are done, {len(todo)} are to do", flush=True)
    return todo


def prepare(runs: list[Run], commands: Commands) -> list[str]:
    """Make the data of all conditions; return the names of those that failed."""
    failed = []
    for condition in dict.fromkeys(c for run in runs for c in conditions_of(run)):
        try:
            prepare_condition(condition, commands)
        except Failures as error:
            print(f"data of {condition.name}: {error}", file=sys.stderr, flush=True)
            failed.append(condition.name)
    return failed


def conditions_of(run: Run) -> list[Condition]:
    """Return the conditions whose data a run needs."""
    others = [run.condition.trained_on] if run.condition.trained_on else []
    return [*others, run.condition]


def prepare_condition(condition: Condition, commands: Commands) -> None:
    """Run stages 1 to 10 unless a marker says that they were run."""
    marker = condition.folder / "prepared"
    with locked(condition.folder / "prepare.lock") as lock:
        if not marker.exists():
            print(f"data of {condition.name} -> {condition.folder}", flush=True)
            link_recipe(condition.folder)
            commands.run(commands.of_data(condition), condition.folder, lock)
            marker.touch()


def make_run(run: Run, commands: Commands, results: Results) -> str:
    """Train, score, add the row; return what to say about it."""
    folder = run.condition.folder
    with locked(run.lock, wait=False) as lock:
        if lock is None:
            return "is being made by another process: left out"
        if run.key in results.rows():
            return "was made by another process"
        environment = describe_environment()  # before the training, not after
        if run.training is not None:
            with locked(run.training.lock) as training_lock:
                train(run.training, commands, training_lock)
            exp = run.training.condition.folder / run.training.experiment
            link_model(exp, folder / run.experiment)
        else:
            train(run, commands, lock)
        link_dump(folder / "dump", folder / run.experiment / "dump")
        commands.run(commands.of_test(run), folder, lock)
        config = Path(commands.plan.base_config).name
        row, counts = collect_row(run, folder, config, environment)
        results.add(row, counts)
    return f"WER {float(row['wer']):.2f} %, SI-SNR {row['si_snr']} dB"


def train(run: Run, commands: Commands, lock: IO) -> None:
    """Train the model of a run and, before, what it starts from; unless it is done."""
    folder = run.condition.folder
    if has_model(folder / run.experiment):
        return
    if run.start is not None:
        with locked(run.start.lock) as start_lock:
            train(run.start, commands, start_lock)
    link_dump(folder / "dump", folder / run.experiment / "dump")
    commands.run(commands.of_training(run), folder, lock)


def make_all(
    runs: list[Run], make: functools.partial, jobs: int, cores: list[set[int]]
) -> list[str]:
    """Make the runs, ``jobs`` at a time; return the labels of those that failed.

    Args:
        runs: in the order of their start.
        make: takes a run, returns a line about it, raises one of ``Failures``.
        jobs: number of workers.
        cores: one set for each worker, which its child processes keep to.
    """
    failed: list[str] = []
    start = time.monotonic()
    waiting: SimpleQueue[set[int]] = SimpleQueue()
    for share in cores:
        waiting.put(share)
    keep_to_cores = lambda: os.sched_setaffinity(0, waiting.get())  # noqa: E731
    with ThreadPoolExecutor(jobs, initializer=keep_to_cores) as pool:
        futures = {pool.submit(make, run): run for run in runs}
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                label = futures[future].label
                text, is_failed = _outcome(future)
                failed += [label] * is_failed
                seconds = time.monotonic() - start
                left = seconds / number * (len(runs) - number)
                print(
                    f"[{number}/{len(runs)}] {label}: {text} "
                    f"({_clock(seconds)} passed, about {_clock(left)} left)",
                    flush=True,
                )
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            make.keywords["commands"].stop()
            raise
    return failed


def _outcome(future: Future) -> tuple[str, bool]:
    try:
        return future.result(), False
    except Failures as error:
        return f"FAILED: {error}", True


def _clock(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h"


if __name__ == "__main__":
    sys.exit(main())
