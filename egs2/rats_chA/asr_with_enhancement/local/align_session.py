"""Bring a call's utterances, the source and the channel to one time scale.

Only tables are read here, no audio.
"""

from dataclasses import dataclass, field

from fisher_calls import Utterance, read_transcript
from link_calls import Link, LinkLimits, choose_side
from sad import Interval, Row, not_transmitted, overlap, read_sad, speech_runs
from sad import inner_runs as inner
from session_offset import Offset, OffsetLimits, estimate_offset
from session_plan import Session

from espnet2.data_dir.options import option

# s; a longer transcript line has a wrong time stamp and says nothing of speech.
LONGEST_LINE = 30.0


@dataclass(frozen=True)
class CutRules:
    """Which utterances to cut, and how."""

    max_lost_share: float = option(0.05, "most of an utterance not transmitted, 0 to 1")
    max_lost_speech: float = option(0.1, "s; so long a gap within speech drops it")
    min_duration: float = option(0.1, "s; shorter utterances are dropped")
    max_duration: float = option(30.0, "s; longer utterances are dropped")
    max_lag: float = option(0.02, "s; lags that GCC-PHAT looks at")
    min_peak: float = option(10.0, "least peak / RMS for which a lag is used")
    refine: bool = option(True, "refine each offset by GCC-PHAT")
    kaldi_truncate: bool = option(False, "time stamps as Kaldi truncates them")


@dataclass(frozen=True)
class Limits:
    """All numbers that decide what a session gives."""

    link: LinkLimits = LinkLimits()
    offset: OffsetLimits = OffsetLimits()
    cut: CutRules = CutRules()


@dataclass
class Alignment:
    """What the tables say about a session."""

    link: Link  # the side of the call
    offset: Offset  # channel time minus source time
    pin: str  # the speaker
    problems: list[str]  # odd lines of the transcript
    kept: dict[str, Utterance] = field(default_factory=dict)  # to cut, by id
    dropped: dict[str, str] = field(default_factory=dict)  # reason by id


def align(session: Session, limits: Limits) -> Alignment:
    """Link, offset and the utterances that were transmitted, or a `SkipError`."""
    source, channel = read_sad(session.src_sad), read_sad(session.channel_sad)
    utterances, problems = read_transcript(
        session.transcript, limits.cut.kaldi_truncate
    )
    sides = {side: believable_times(utterances, side) for side in "AB"}
    link = choose_side(sides, speech_runs(source), session.marker, limits.link)
    offset = estimate_offset(inner(source), inner(channel), limits.offset)
    found = Alignment(link, offset, session.pins[link.side], problems)
    speech = [run.later(offset.delta) for run in speech_runs(source)]
    for utterance in utterances:
        if utterance.side == link.side:
            within = said_in(utterance).later(link.shift + offset.delta)
            reason = reason_to_drop(utterance, within, channel, speech, limits.cut)
            key = utterance_id(found.pin, session.call, utterance)
            _sort_in(found, key, utterance, reason)
    return found


def _sort_in(found: Alignment, key: str, utterance: Utterance, reason: str) -> None:
    """Keep or drop an utterance; two with the same times are both dropped."""
    if found.kept.pop(key, None) or key in found.dropped:
        reason = "two_texts"
    if reason:
        found.dropped[key] = reason
    else:
        found.kept[key] = utterance


def said_in(utterance: Utterance) -> Interval:
    """When an utterance is said, s."""
    return Interval(utterance.start / 100, utterance.end / 100)


def believable_times(utterances: list[Utterance], side: str) -> list[Interval]:
    """When a side speaks, s, without lines too long to be believed."""
    times = [said_in(u) for u in utterances if u.side == side]
    return [time for time in times if time.end - time.start <= LONGEST_LINE]


def utterance_id(pin: str, call: str, utterance: Utterance) -> str:
    """Id in the authors' form, ``fe_03_<PIN>-<call>-<side>-<start>-<end>-A``."""
    times = f"{utterance.start:06d}-{utterance.end:06d}"
    return f"fe_03_{pin}-{call}-{utterance.side}-{times}-A"


def reason_to_drop(
    utterance: Utterance,
    within: Interval,
    channel: list[Row],
    speech: list[Interval],
    rules: CutRules,
) -> str:
    """Why an utterance is left out, or "".

    ``within`` and the source's ``speech`` are in the time of the ``channel``.
    """
    seconds = (utterance.end - utterance.start) / 100
    if seconds < rules.min_duration:
        return "too_short"
    if seconds > rules.max_duration:
        return "too_long"
    lost = not_transmitted(channel, within)
    if sum(end - start for start, end in lost) > rules.max_lost_share * seconds:
        return "not_transmitted"
    in_speech = max((overlap(a, b) for a in lost for b in speech), default=0.0)
    return "not_transmitted" if in_speech >= rules.max_lost_speech else ""
