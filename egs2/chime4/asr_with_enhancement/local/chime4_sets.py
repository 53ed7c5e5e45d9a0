"""Utterances of the CHiME-4 sets: which audio, which text, which reference to look for.

Of the 1-channel track, training takes each of the channels named, out of ``isolated``;
validation and test sets are the track's own. Of the 6-channel track, every utterance
has all the channels named, out of ``isolated``, and the reference of one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from chime4_lists import Annotation, read_annotations, read_track_list
from clean_references import Job
from set_texts import read_texts
from wsj_text import normalize

from espnet2.data_dir.merge_channels import merging_pipe
from espnet2.data_dir.tables import DataError

REFERENCE_CHANNEL = 5  # of the 6-channel track; faces the speaker
SETS = ("tr05_simu", "tr05_real", "dt05_simu", "dt05_real", "et05_simu", "et05_real")


@dataclass
class Utterance:
    """One utterance of a set, on one channel or on all."""

    speaker: str  # as the corpus names it
    text: str  # normalised
    wav: str  # its audio: a file, or a pipe that merges several
    job: Job  # its audio on one channel, and where the clean reference may come from


@dataclass
class Corpus:
    """The places of the corpora."""

    chime4: Path  # the folder that has data/
    wsj0: list[Path]  # the roots to look for WSJ0's .dot files in
    isolated_ext: Path | None  # what the official simulation wrote
    lists: list[Path]  # folders where a list of the 1-channel track may be
    channels: list[int]  # of the training sets, in the 6-channel track of all
    references: Path  # folder of those that are made
    track: str = "1ch"  # or 6ch

    @property
    def audio(self) -> Path:
        """Folder of the 16 kHz audio."""
        return self.chime4 / "data/audio/16kHz"

    def check(self) -> None:
        """Raise a `DataError` that names all folders that are missing."""
        names = ["isolated", "backgrounds"]
        names += ["isolated_1ch_track"] if self.track == "1ch" else []
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
        if corpus.track == "6ch":
            files, job = _all_channels(corpus, name, annotation)
            lacking = [file for file in files if not Path(file).is_file()]
            if lacking:
                skipped[annotation.name] = f"{lacking[0]} is missing"
            else:
                wav = merging_pipe(files)
                utterances.append(Utterance(annotation.speaker, text, wav, job))
            continue
        jobs = _jobs(corpus, name, annotation, tracks)
        utterances += [
            Utterance(annotation.speaker, text, job.mixture, job) for job in jobs
        ]
    return sorted(utterances, key=lambda u: u.job.key), skipped


def _tracks(corpus: Corpus, name: str, notes: list[str]) -> dict[str, int]:
    """Channels of the 1-channel track's utterances, where they are of use."""
    no_list = corpus.isolated_ext is None or corpus.track == "6ch"
    if no_list or name not in ("dt05_simu", "et05_simu"):
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


def _all_channels(
    corpus: Corpus, name: str, annotation: Annotation
) -> tuple[list[str], Job]:
    """Return the files of the channels, and the job of the reference's."""
    split, kind = name.split("_")
    folder = f"{split}_{annotation.environment.lower()}_{kind}"
    stem = f"{folder}/{annotation.name}.CH"
    audio = corpus.audio / "isolated"
    files = [str(audio / f"{stem}{channel}.wav") for channel in corpus.channels]
    job = _training_job(corpus, annotation, f"{stem}{REFERENCE_CHANNEL}")
    if split != "tr05":  # their noise is no file of the corpus
        job = replace(job, background="", original="", output="")
    return files, replace(job, key=annotation.name)


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
