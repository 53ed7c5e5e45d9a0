"""Cut one session's utterances, kept so that a later run need not decode it again."""

import dataclasses
import json
from pathlib import Path

import numpy as np
from align_session import Alignment, Limits, align
from cut_audio import RATE, cut, read_flac
from gcc_phat import Lag, find_lag
from session_plan import Report, Session
from text_files import SkipError

from espnet2.data_dir.audio_writing import write_steps
from espnet2.data_dir.folders import read_marker, whole_folder
from espnet2.data_dir.tables import write_lines

VERSION = 1  # raise it when the same files and options give something else
MARKER = "session.json"
POOLED = 20  # utterances from which the remaining lag is found
# Clean and noisy samples by utterance; None if they are outside of the recordings.
Cuts = dict[str, tuple[np.ndarray, np.ndarray] | None]


def prepare_session(session: Session, limits: Limits, folder: Path) -> Report:
    """Make ``<folder>/<source id>/{clean,noisy}/*.wav`` and its ``session.json``.

    Returned is the session's line of the report. A session that is there from the same
    files and options is used again.
    """
    key = session_key(session, limits)
    place = folder / session.src_id
    known = read_marker(place / MARKER)
    if known and known["key"] == key:
        return known["report"]
    with whole_folder(place) as new:
        result = _work(session, limits, new)
        marker = json.dumps({"key": key, **result}, indent=1)
        write_lines(new / MARKER, [marker])
    return result["report"]


def session_key(session: Session, limits: Limits) -> list:
    """What the result depends on: version, options, and size and time of each file."""
    stats = [(path, path.stat()) for path in session.files()]
    files = [[str(path), stat.st_size, stat.st_mtime_ns] for path, stat in stats]
    options = dataclasses.asdict(limits)
    facts = [session.session_id, session.part, session.marker, dict(session.pins)]
    return [VERSION, options, facts, files]


def _work(session: Session, limits: Limits, folder: Path) -> dict:
    report: Report = {"src_id": session.src_id, "session": session.session_id}
    report |= {"part": session.part, "call": session.call}
    result = {"report": report, "utterances": [], "dropped": {}, "problems": []}
    try:
        found = align(session, limits)
        report |= _numbers(found)
        source = read_flac(session.src_flac)
        channel = read_flac(session.channel_flac)
    except SkipError as error:
        report |= {"status": error.status, "detail": error.detail}
        return result
    lag = _remaining_lag(_cuts(found, source, channel), limits)
    is_clear = lag.peak >= limits.cut.min_peak
    used = lag.samples if is_clear else 0
    report["delta"] = found.offset.delta + used / RATE
    report |= {"lag_ms": 1000 * lag.samples / RATE, "peak": lag.peak}
    if limits.cut.refine:
        report["lag_used"] = "yes" if is_clear else "no"
    cuts = _cuts(found, source, channel, used)
    result["utterances"] = _write_cuts(found, cuts, folder)
    result |= {"dropped": found.dropped, "problems": found.problems}
    report |= {"utterances": len(result["utterances"]), "status": "ok"}
    return result


def _write_cuts(found: Alignment, cuts: Cuts, folder: Path) -> list[dict]:
    """Write the audio; the utterances for which there is audio."""
    utterances = []
    for key, pair in cuts.items():
        if pair is None:
            found.dropped[key] = "outside_audio"
            continue
        for name, samples in zip(("clean", "noisy"), pair, strict=True):
            write_steps(folder / name / f"{key}.wav", samples, RATE)
        entry = {"id": key, "pin": found.pin, "text": found.kept[key].text}
        utterances.append({**entry, "seconds": len(pair[0]) / RATE})
    return utterances


def _cuts(
    found: Alignment, source: np.ndarray, channel: np.ndarray, lag: int = 0
) -> Cuts:
    cuts = {}
    for key, utterance in found.kept.items():
        count = (utterance.end - utterance.start) * RATE // 100
        start = utterance.start / 100 + found.link.shift
        delta = found.offset.delta + lag / RATE
        pair = cut(source, start, count), cut(channel, start + delta, count)
        cuts[key] = None if pair[0] is None or pair[1] is None else pair
    return cuts


def _remaining_lag(cuts: Cuts, limits: Limits) -> Lag:
    """The lag that GCC-PHAT finds in the longest utterances."""
    if not limits.cut.refine:
        return Lag(0, 0.0)
    pairs = [pair for pair in cuts.values() if pair]
    pairs.sort(key=lambda pair: len(pair[0]), reverse=True)
    return find_lag(pairs[:POOLED], round(limits.cut.max_lag * RATE))


def _numbers(found: Alignment) -> Report:
    return {
        "side": found.link.side,
        "iou_A": found.link.iou_a,
        "iou_B": found.link.iou_b,
        "shift": found.link.best_shift,
        "used_shift": found.link.shift,
        "delta": found.offset.delta,
        "n_boundaries": found.offset.n_boundaries,
        "share": found.offset.share,
        "mad_ms": 1000 * found.offset.mad,
        "drift_ms": 1000 * found.offset.drift,
    }
