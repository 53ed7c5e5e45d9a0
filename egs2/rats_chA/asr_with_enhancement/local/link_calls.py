"""Which call and which side of it a RATS source is.

The name of the source's file proposes a call and perhaps a side. The spelling of these
names is not documented, so that the side is decided by how well the transcript's times
agree with the speech in the source's SAD table; a side in the name must agree.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sad import Interval
from text_files import SkipError

from espnet2.data_dir.options import option

SIDES = {"A": "A", "L": "A", "1": "A", "B": "B", "R": "B", "2": "B"}


@dataclass(frozen=True)
class LinkLimits:
    """When a link is believed."""

    min_iou: float = option(0.5, "least overlap of transcript and speech, 0 to 1")
    min_iou_margin: float = option(0.15, "least lead over the other side's overlap")
    link_search: float = option(5.0, "s; shifts tried between the two time scales")
    link_step: float = option(0.02, "s; step of that search")
    max_link_shift: float = option(0.5, "s; a smaller shift is taken for 0")


class Overlap(NamedTuple):
    """Best intersection / union, and the seconds to add to transcript times for it."""

    iou: float
    shift: float


class Link(NamedTuple):
    """A side of a call with the evidence; shift is 0 or what must be added."""

    side: str
    iou_a: float
    iou_b: float
    best_shift: float
    shift: float


def parse_name(src_file: str) -> tuple[str | None, str | None]:
    """Call id and side that a file name proposes, each None if it proposes none.

    The call is the first ``fe_03_<5 digits>``, else the only group of 5 digits.
    """
    match = re.search(r"fe_03_(\d{5})(?!\d)", src_file)
    if match is None:
        groups = list(re.finditer(r"(?<!\d)\d{5}(?!\d)", src_file))
        if len({group[0] for group in groups}) != 1:
            return None, None
        match = groups[0]
    call = match[0][-5:]
    marker = re.fullmatch(
        r"[-_.]?([ABLR12])(\.[a-z]\w*)?", src_file[match.end() :], re.IGNORECASE
    )
    return call, SIDES[marker[1].upper()] if marker else None


def best_overlap(
    transcript: list[Interval], speech: list[Interval], limits: LinkLimits
) -> Overlap:
    """The best overlap of two sets of intervals over all shifts of the first.

    Both are taken on a raster of ``link_step``; of equal overlaps the smallest shift.
    """
    if not transcript or not speech:
        return Overlap(0.0, 0.0)
    step, steps = limits.link_step, round(limits.link_search / limits.link_step)
    frames = 1 + int(max(end for _, end in [*transcript, *speech]) / step)
    spoken = _raster(transcript, frames, step)
    heard = _raster(speech, frames, step)
    shared = np.correlate(np.pad(heard, steps), spoken, mode="valid")
    union = spoken.sum() + heard.sum() - shared
    iou = shared / np.maximum(union, 1.0)
    shifts = np.arange(-steps, steps + 1)
    best = max(range(len(iou)), key=lambda k: (round(iou[k], 9), -abs(shifts[k])))
    return Overlap(float(iou[best]), float(shifts[best] * step))


def choose_side(
    sides: dict[str, list[Interval]],
    speech: list[Interval],
    marker: str | None,
    limits: LinkLimits,
) -> Link:
    """The side of a call that a source is; a `SkipError` if that is not clear.

    ``sides`` has the transcribed intervals of ``A`` and of ``B``, ``speech`` is the
    source's by its SAD table, ``marker`` the side that its name proposes, if any.
    """
    found = {side: best_overlap(sides[side], speech, limits) for side in "AB"}
    side = max("AB", key=lambda name: found[name].iou)
    iou_a, iou_b = found["A"].iou, found["B"].iou
    numbers = f"overlap of transcript and speech: A {iou_a:.2f}, B {iou_b:.2f}"
    if found[side].iou < limits.min_iou:
        raise SkipError("low_overlap", f"{numbers}; want {limits.min_iou:g}")
    if abs(iou_a - iou_b) < limits.min_iou_margin:
        raise SkipError(
            "side_unclear", f"{numbers}; want a margin of {limits.min_iou_margin:g}"
        )
    if marker not in (None, side):
        raise SkipError("side_conflict", f"the name says side {marker}; {numbers}")
    shift = found[side].shift
    used = shift if abs(shift) > limits.max_link_shift else 0.0
    return Link(side, iou_a, iou_b, shift, used)


def _raster(intervals: list[Interval], frames: int, step: float) -> np.ndarray:
    """1.0 in each frame whose middle lies in an interval; shape (frames,)."""
    mask = np.zeros(frames)
    for start, end in intervals:
        mask[max(0, round(start / step)) : max(0, round(end / step))] = 1.0
    return mask
