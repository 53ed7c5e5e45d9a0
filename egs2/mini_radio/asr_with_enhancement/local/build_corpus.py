"""Plan the corpus, have its voices spoken by child processes, put it in place."""

import json
import multiprocessing
import sys
from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np
from radio_text import draw_sentences
from render import Conditions, Utterance, render_voice
from speak import SpeechError
from tqdm import tqdm

from espnet2.data_dir.folders import whole_folder
from espnet2.data_dir.tables import log

MARKER = "corpus.json"
LAYOUT_VERSION = 1  # raise it when the same options give another corpus
VOICES = {
    "train": (
        "m1 m4 m5 m6 m7 m8 f1 f2 f5 Alex Annie Denis Mike Nguyen adam aunty belinda "
        "boris david ed grandma grandpa gustave john klatt3 linda marcelo max michel "
        "miguel norbert pablo paul rob robert sandro shelby steph travis pedro"
    ).split(),
    "valid": "m2 f3 Mario quincy".split(),
    "test": "m3 f4 Michael victor".split(),
}


def plan_corpus(counts: dict[str, int], seed: int) -> list[list[Utterance]]:
    """What each voice says: one list per voice, no sentence twice in the corpus.

    The test set comes first, so that it does not depend on the size of the others,
    which are the ``counts``.
    """
    taken: set[str] = set()
    plan = []
    for set_name in ("test", "valid", "train"):
        rng = np.random.default_rng([seed, *set_name.encode()])
        sentences = draw_sentences(counts[set_name], rng, taken)
        voices = VOICES[set_name]
        said = [
            Utterance(set_name, voices[number % len(voices)], number, text)
            for number, text in enumerate(sentences)
        ]
        plan += [said[i :: len(voices)] for i in range(min(len(voices), len(said)))]
    return plan


def build_corpus(
    options: dict[str, object],
    plan: list[list[Utterance]],
    conditions: Conditions,
    nj: int,
    corpus_dir: Path,
) -> None:
    """Make the corpus and put it in place of what ``corpus_dir`` held."""
    with whole_folder(corpus_dir) as new:
        jobs = [(said, conditions, options["seed"], new) for said in plan]
        tqdm.monitor_interval = 0  # its thread would be unsafe beside fork
        for done in tqdm(_run_jobs(jobs, nj), "voices", len(jobs), mininterval=1):
            if done.exitcode != 0:
                what = f"voice {done.name} failed (exit code {done.exitcode})"
                raise SpeechError(what)
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
    except (SpeechError, OSError) as error:
        log(str(error))
        sys.exit(1)
