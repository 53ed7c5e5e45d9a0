"""Check the audio of all utterances and find or make their clean references.

For a simulated utterance the sources are, in this order: ``isolated_ext``, which the
official MATLAB simulation can write; the mixture minus its background; none, and then
the utterance is used as a real one is.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from chime4_lists import RATE
from subtract_background import (
    FULL_SCALE,
    MARGIN,
    Figures,
    Limits,
    measure,
    objection,
    read_background,
    read_samples,
)

from espnet2.data_dir.audio_writing import write_steps
from espnet2.data_dir.tables import DataError

SHORTEST = RATE // 10  # samples; an audio file with less holds no utterance
MAX_ROUNDING = 2  # steps of 16 bits that mixture and clean + noise may differ


@dataclass(frozen=True)
class Job:
    """One audio file; paths are text, "" where there is none."""

    key: str  # the utterance, with its channel where a set has several
    mixture: str  # its audio
    simulated: bool  # whether a clean reference is wanted
    samples: int  # its length according to the annotation
    background: str = ""  # the recording that was added
    start: int = 0  # first sample in the background
    original: str = ""  # the speech before filtering
    ext: str = ""  # its file in isolated_ext without .Clean.wav
    output: str = ""  # the reference to write


@dataclass(frozen=True)
class Reference:
    """What came of a job."""

    key: str  # that of the job
    source: str  # isolated_ext, subtracted, none; or the mixture is unreadable or short
    path: str = ""  # the clean reference
    reason: str = ""  # why there is none, or why a better source was not taken
    samples: int = 0  # length of the mixture
    figures: Figures = Figures()  # what was measured when subtracting


def make_reference(job: Job, limits: Limits) -> Reference:
    """Check one utterance, and find or make its reference."""
    try:
        mixture = read_samples(Path(job.mixture))
    except DataError as error:
        return Reference(job.key, "unreadable", reason=str(error))
    if not mixture.any():
        return Reference(job.key, "unreadable", reason=f"{job.mixture} is silent")
    size = len(mixture)
    if size < max(SHORTEST, job.samples - SHORTEST):
        reason = f"{job.mixture} has {size} samples, annotated are {job.samples}"
        return Reference(job.key, "short", reason=reason, samples=size)
    reasons = []
    if job.ext:
        reason = check_ext(job.ext, mixture)
        if not reason:
            path = f"{job.ext}.Clean.wav"
            return Reference(job.key, "isolated_ext", path, samples=size)
        reasons.append(f"isolated_ext: {reason}")
    figures = Figures()
    if job.background:
        try:
            figures = subtract(job, mixture, limits)
            reason = "; ".join(reasons)
            return Reference(job.key, "subtracted", job.output, reason, size, figures)
        except DataError as error:
            reasons.append(f"subtraction: {error}")
    if job.simulated and not reasons:
        reasons = ["there is no isolated_ext"]
    return Reference(job.key, "none", "", "; ".join(reasons), size)


def check_ext(stem: str, mixture: np.ndarray) -> str:
    """Why the files of ``isolated_ext`` do not belong to the mixture, or ""."""
    try:
        clean, noise = (
            read_samples(Path(f"{stem}.{part}.wav")) for part in ("Clean", "Noise")
        )
    except DataError as error:
        return str(error)
    if not len(clean) == len(noise) == len(mixture):
        return f"{stem}: {len(clean)} and {len(noise)} samples, not {len(mixture)}"
    whole = np.abs(mixture) < FULL_SCALE  # where the mixture was clipped, no sum holds
    error = np.abs(mixture - clean - noise)[whole].max(initial=0)
    if error > MAX_ROUNDING:
        return f"{stem}: clean + noise differs from the mixture by {error} steps"
    return ""


def subtract(job: Job, mixture: np.ndarray, limits: Limits) -> Figures:
    """Write the mixture minus its background to ``job.output``, if it can be trusted.

    An annotation that is a few samples off, as rounded times could be, is put right;
    ``shift`` says by how much.
    """
    size = len(mixture)
    if abs(size - job.samples) >= MARGIN:
        raise DataError(f"the mixture has {size} samples, its background {job.samples}")
    original = read_samples(Path(job.original)) if job.original else None
    if original is not None and abs(len(original) - size) > SHORTEST:
        raise DataError(f"{job.original} has {len(original)} samples")
    shift = 0
    for _ in range(2):
        start = job.start + shift
        padded = read_background(Path(job.background), start, start + size)
        clean, figures = measure(mixture, padded, original)
        if not 0 < abs(figures.shift) < MARGIN:
            break
        shift += figures.shift
    reason = objection(figures, size, limits)
    if reason:
        raise DataError(reason)
    write_steps(Path(job.output), clean, RATE)
    return replace(figures, shift=shift)
