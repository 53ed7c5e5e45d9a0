"""Which sources to work on: English Fisher calls that came through on channel A."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fisher_calls import FisherFiles
from link_calls import parse_name
from rats_tables import Source, Transmission, find_file
from text_files import SkipError

from espnet2.data_dir.tables import DataError

Report = dict[str, object]


@dataclass(frozen=True)
class Session:
    """One source, its recording on channel A, and the call that its name proposes."""

    src_id: str
    session_id: str
    part: str
    call: str
    marker: str | None
    pins: Mapping[str, str]
    transcript: Path
    src_flac: Path
    src_sad: Path
    channel_flac: Path
    channel_sad: Path

    def files(self) -> tuple[Path, ...]:
        """All files that the session is made from."""
        tables = self.transcript, self.src_sad, self.channel_sad
        return *tables, self.src_flac, self.channel_flac


@dataclass
class Plan:
    """Sessions to work on, reports of those that cannot be, and what is odd."""

    sessions: list[Session]
    skipped: list[Report]
    problems: list[str]
    others: int  # sources that are not English Fisher calls


def plan_sessions(
    root: Path,
    sources: Mapping[str, Source],
    transmissions: Mapping[str, Transmission],
    fisher: FisherFiles,
    speakers: Mapping[str, Mapping[str, str]],
) -> Plan:
    """Choose the sessions, and say of every other English Fisher source why not."""
    wanted = _english_fisher(sources)
    plan = Plan([], [], [], len(sources) - len(wanted))
    plan.problems += [
        f"session {transmissions[src_id].session_id}: its source has no good line in "
        "source_file_info.tab"
        for src_id in sorted(transmissions.keys() - sources.keys())
    ]
    for source in sorted(wanted):
        try:
            transmission = _transmission(source, transmissions)
            plan.sessions.append(_session(root, source, transmission, fisher, speakers))
        except SkipError as error:
            report = {"src_id": source.src_id, "part": source.part}
            why = {"status": error.status, "detail": error.detail}
            plan.skipped.append(report | why)
    return plan


def _english_fisher(sources: Mapping[str, Source]) -> list[Source]:
    wanted = [
        source
        for source in sources.values()
        if (source.corpus.lower(), source.language.lower()) == ("fisher", "eng")
    ]
    if not wanted:
        kinds = sorted({f"{s.corpus}/{s.language}" for s in sources.values()})
        raise DataError(f"no source is fisher/eng, there are: {', '.join(kinds)}")
    return wanted


def _transmission(
    source: Source, transmissions: Mapping[str, Transmission]
) -> Transmission:
    table = "retrans_fileset_info.tab"
    found = transmissions.get(source.src_id)
    if found is None:
        raise SkipError("no_session", f"no good line in {table}")
    if found.channels[0] != "A":
        raise SkipError("no_channel_A", f"session {found.session_id}: {found.channels}")
    if found.part != source.part:
        parts = f"{source.part} in source_file_info.tab, {found.part} in {table}"
        raise SkipError("part_conflict", parts)
    return found


def _session(
    root: Path,
    source: Source,
    transmission: Transmission,
    fisher: FisherFiles,
    speakers: Mapping[str, Mapping[str, str]],
) -> Session:
    call, marker = parse_name(source.src_file)
    if call is None:
        raise SkipError("no_call", f"'{source.src_file}' names no Fisher call")
    if call not in fisher.transcripts:
        raise SkipError("no_transcript", f"fe_03_{call}.txt is missing")
    if call not in speakers:
        raise SkipError("no_speaker", f"call {call} has no good line in calldata.tbl")
    names = f"{source.src_id}_eng_src", f"{transmission.session_id}_eng_A"
    paths = [
        find_file(root, source.part, kind, name)
        for name in names
        for kind in ("audio", "sad")
    ]
    ids = source.src_id, transmission.session_id, source.part, call, marker
    return Session(*ids, speakers[call], fisher.transcripts[call], *paths)
