"""Which utterance goes to which set: by speaker and part, or by lists of ids."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from espnet2.data_dir.tables import DataError

SETS = ("train", "valid", "test")


class Entry(NamedTuple):
    """A cut utterance; ``part`` is RATS's, ``folder`` holds clean/ and noisy/."""

    utt_id: str
    pin: str
    text: str
    seconds: float
    part: str
    folder: Path


def split_by_speaker(entries: Iterable[Entry], valid_share: float) -> dict[str, list]:
    """Test is dev-1 and dev-2; train is divided by speaker.

    Speakers are put in the order of a hash of their PIN, and the first go to valid
    until it has its share, above 0 and below 1, of the seconds of RATS's train part.
    """
    sets: dict[str, list[Entry]] = {name: [] for name in SETS}
    pool: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.part == "train":
            pool.setdefault(entry.pin, []).append(entry)
        else:
            sets["test"].append(entry)
    if len(pool) < 2:
        raise DataError(
            f"{len(pool)} speakers have utterances in RATS's train part: too few for "
            "train and valid; see link_report.tsv and dropped.tsv"
        )
    goal = valid_share * sum(e.seconds for said in pool.values() for e in said)
    order = sorted(pool, key=lambda pin: hashlib.sha256(pin.encode()).hexdigest())
    for pin in order[:-1]:
        if sum(entry.seconds for entry in sets["valid"]) >= goal:
            break
        sets["valid"] += pool.pop(pin)
    sets["train"] = [entry for said in pool.values() for entry in said]
    return sets


def split_by_lists(
    entries: Iterable[Entry], lists: dict[str, list[str]]
) -> tuple[dict[str, list[Entry]], dict[str, list[str]]]:
    """Each set as its list says, and the ids of each list that are not there."""
    owner: dict[str, str] = {}
    for name in SETS:
        for utt_id in lists[name]:
            if owner.setdefault(utt_id, name) != name:
                both = f"{owner[utt_id]} and {name}"
                raise DataError(f"{utt_id} is in the lists of {both}")
    by_id = {entry.utt_id: entry for entry in entries}
    sets = {name: [by_id[u] for u in lists[name] if u in by_id] for name in SETS}
    missing = {name: [u for u in lists[name] if u not in by_id] for name in SETS}
    return sets, missing


def read_id_list(path: Path) -> list[str]:
    """The first field of each line, each once."""
    if not path.is_file():
        raise DataError(f"the list {path} is missing")
    lines = path.read_text(encoding="utf-8").splitlines()
    ids = list(dict.fromkeys(line.split()[0] for line in lines if line.strip()))
    if not ids:
        raise DataError(f"the list {path} is empty")
    return ids
