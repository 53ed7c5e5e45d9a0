"""Has the speakers of a corpus rendered by child processes, and puts it in place."""

import json
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path

from tqdm import tqdm

from espnet2.data_dir.folders import whole_folder
from espnet2.data_dir.tables import DataError, log
from espnet2.radio.utterance import Conditions, Say, Utterance, render_voice

MARKER = "corpus.json"


def build_corpus(
    options: dict[str, object],
    plan: Sequence[Sequence[Utterance]],
    speak_as: Callable[[str], Say],
    conditions: Conditions,
    nj: int,
    corpus_dir: Path,
) -> None:
    """Make the corpus and put it in place of what ``corpus_dir`` held.

    Args:
        options: What the corpus is made with; `MARKER` records them. Has ``seed``.
        plan: The utterances of each speaker in each set.
        speak_as: Makes the voice of a speaker's id, in the child process.
        conditions: What the radio does.
        nj: Processes at once; the result does not depend on it.
        corpus_dir: Where the corpus goes.

    Raises:
        DataError: a speaker failed; why, the child process has said.
    """
    with whole_folder(corpus_dir) as new:
        jobs = [(said, speak_as, conditions, options["seed"], new) for said in plan]
        tqdm.monitor_interval = 0  # its thread would be unsafe beside fork
        for done in tqdm(_run_jobs(jobs, nj), "voices", len(jobs), mininterval=1):
            if done.exitcode != 0:
                what = f"voice {done.name} failed (exit code {done.exitcode})"
                raise DataError(what)
        (new / MARKER).write_text(json.dumps(options, indent=1) + "\n")


def read_records(corpus_dir: Path, set_name: str) -> list[dict[str, object]]:
    """Records of the utterances of a set, sorted by id."""
    lists = (corpus_dir / set_name).glob("*.jsonl")
    lines = (line for path in lists for line in path.read_text().splitlines())
    return sorted(map(json.loads, lines), key=lambda record: record["utt_id"])


def _run_jobs(
    jobs: list[tuple], nj: int
) -> Iterator[multiprocessing.process.BaseProcess]:
    """Run ``render_voice`` on each job, at most ``nj`` at once, as they end.

    Each has a fresh process, forked for speed: this process has one thread.
    """
    context = multiprocessing.get_context("fork")
    running = {}
    waiting = list(reversed(jobs))
    try:
        while waiting or running:
            while waiting and len(running) < nj:
                job = waiting.pop()
                name = job[0][0].voice
                process = context.Process(
                    target=_render_or_say_why, args=job, name=name, daemon=True
                )
                process.start()
                running[process.sentinel] = process
            for sentinel in wait(list(running)):
                process = running.pop(sentinel)
                process.join()
                yield process
    finally:
        for process in running.values():
            process.terminate()


def _render_or_say_why(*job: object) -> None:
    try:
        render_voice(*job)
    except (DataError, OSError) as error:
        log(str(error))
        sys.exit(1)
