"""Utterances of the CHiME-4 sets: which audio, which text, which reference to look for.

Training takes the channels named, out of ``isolated``; validation and test sets are
those of the 1-channel track.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chime4_lists import Annotation, read_annotations, read_track_list
from clean_references import Job
from set_texts import read_texts
from wsj_text import normalize

from espnet2.data_dir.tables import DataError

SETS = ("tr05_simu", "tr05_real", "dt05_simu", "dt05_real", "et05_simu", "et05_real")


@dataclass
class Utterance:
    """One utterance of a set, on one channel."""

    speaker: str  # as the corpus names it
    text: str  # normalised
    job: Job  # its audio and where its clean reference may come from


@dataclass
class Corpus:
    """The places of the corpora."""

    chime4: Path  # the folder that has data/
    wsj0: list[Path]  # the roots to look for WSJ0's .dot files in
    isolated_ext: Path | None  # what the official simulation wrote
    lists: list[Path]  # folders where a list of the 1-channel track may be
    channels: list[int]  # of the training sets
    references: Path  # folder of those that are made

    @property
    def audio(self) -> Path:
        """Folder of the 16 kHz audio."""
        return self.chime4 / "data/audio/16kHz"

    def check(self) -> None:
        """Raise a `DataError` that names all folders that are missing."""
        names = ("isolated", "isolated_1ch_track", "backgrounds")
        wanted = [self.audio / name for name in names]
        wanted += [self.chime4 / "data" / n for n in ("annotations", "transcriptions")]
        wanted += self.wsj0 + ([self.isolated_ext] if self.isolated_ext else [])
        missing = [str(folder) for folder in wanted if not folder.is_dir()]
        if missing:
            raise DataError("\n  ".join(["no such folder:", *missing]))


def read_set(
    corpus: Corpus, name: str, notes: list[str]
) -> tuple[list[Utterance], dict[str, str]]:
    """Utterances of a set, sorted, and those without a text: name -> reason.

    What the user should know is added to the ``notes``.
    """
    simulated = name.endswith("_simu")
    path = corpus.chime4 / f"data/annotations/{name}.json"
    annotations, unknown = read_annotations(path, simulated)
    if unknown:
        notes.append(f"{name}: fields not used: {' '.join(sorted(unknown))}")
    texts = read_texts(corpus.chime4, corpus.wsj0, name, annotations, notes)
    tracks = _tracks(corpus, name, notes)
    utterances: list[Utterance] = []
    skipped: dict[str, str] = {}
    for annotation in annotations:
        text = normalize(texts.get(annotation.name, ""))
        if not text:
            skipped[annotation.name] = "no text"
            continue
        jobs = _jobs(corpus, name, annotation, tracks)
        utterances += [Utterance(annotation.speaker, text, job) for job in jobs]
    return sorted(utterances, key=lambda u: u.job.key), skipped


def _tracks(corpus: Corpus, name: str, notes: list[str]) -> dict[str, int]:
    """Channels of the 1-channel track's utterances, where they are of use."""
    if corpus.isolated_ext is None or name not in ("dt05_simu", "et05_simu"):
        return {}
    file = f"{name}_1ch_track.list"
    for folder in corpus.lists:
        if (folder / file).is_file():
            return read_track_list(folder / file)
    notes.append(
        f"{name}: {file} is missing, so there are no clean references. It is published "
        "apart, with CHiME4_diff (CHiME3/data/annotations); put it into "
        "data/annotations, or name its folder with --extra_annotations"
    )
    return {}


def _jobs(
    corpus: Corpus, name: str, annotation: Annotation, tracks: Mapping[str, int]
) -> list[Job]:
    """One job for each channel that is taken."""
    split, kind = name.split("_")
    stem = f"{split}_{annotation.environment.lower()}_{kind}/{annotation.name}"
    if split == "tr05":
        stems = [f"{stem}.CH{channel}" for channel in corpus.channels]
        return [_training_job(corpus, annotation, stem) for stem in stems]
    start, stop = annotation.samples
    audio = str(corpus.audio / f"isolated_1ch_track/{stem}.wav")
    channel = tracks.get(annotation.name)
    ext = "" if channel is None else f"{corpus.isolated_ext}/{stem}.CH{channel}"
    return [Job(annotation.name, audio, kind == "simu", stop - start, ext=ext)]


def _training_job(corpus: Corpus, annotation: Annotation, stem: str) -> Job:
    """The job of one channel; ``stem`` is ``<folder>/<utterance>.CH<channel>``."""
    key = stem.split("/")[1]
    start, stop = annotation.samples
    audio = str(corpus.audio / f"isolated/{stem}.wav")
    if "_simu/" not in stem:
        return Job(key, audio, False, stop - start)
    recording = f"{annotation.recording}.{key.split('.')[1]}.wav"
    name = f"{annotation.speaker}_{annotation.wsj_name}_ORG.wav"
    original = corpus.audio / "isolated/tr05_org" / name  # before it was filtered
    return Job(
        key,
        audio,
        True,
        stop - start,
        background=str(corpus.audio / "backgrounds" / recording),
        start=start,
        original=str(original) if original.is_file() else "",
        ext=f"{corpus.isolated_ext}/{stem}" if corpus.isolated_ext else "",
        output=str(corpus.references / f"{stem}.wav"),
    )
