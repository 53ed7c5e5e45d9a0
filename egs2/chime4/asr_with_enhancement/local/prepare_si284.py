"""Make ``train_si284``: the clean training speech of WSJ0 and WSJ1, as CLEAN.

WSJ0 (LDC93S6A or B) and WSJ1 (LDC94S13A or B) are licensed. The discs may lie as LDC
sent them (``11-1.1`` ... ``34-1.1``, or ``13-34.1``) or in one tree; names may be in
either case. The indices ``tr_s_wv1.ndx`` (WSJ0) and ``si_tr_s.ndx`` (WSJ1) say which
utterances belong to the set. Text and audio are found by the utterance's name.

LDC's audio is packed with shorten, which ``sph2pipe`` unpacks; audio that was unpacked
before is taken as it is.
"""

import argparse
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from chime4_lists import RATE, read_text_lines
from data_folders import Entry, write_folder
from wsj_text import normalize, read_wsj_dots

from espnet2.data_dir.audio import open_audio
from espnet2.data_dir.folders import walk_files
from espnet2.data_dir.tables import DataError, log, run_cli, write_lines

INDICES = ("tr_s_wv1.ndx", "si_tr_s.ndx")
HEADER = 1024  # bytes of a SPHERE header
_UTTERANCE = re.compile(r".*/([0-9a-z]{8})(?:\.wv1)?")


def read_index(path: Path) -> set[str]:
    """Utterances, in lower case, of the lines ``<disc>:<path>/<utterance>.wv1``."""
    names = set()
    for number, line in read_text_lines(path):
        match = _UTTERANCE.fullmatch(line.lower())
        if match is None:
            raise DataError(f"{path}:{number}: want '<disc>:<path>.wv1', not '{line}'")
        names.add(match.group(1))
    return names


def find_files(roots: Sequence[Path]) -> tuple[dict[str, Path], list[Path], list[Path]]:
    """Audio by utterance in lower case, the ``.dot`` files, and the indices.

    Of audio that lies in several places, only that below ``si_tr_s``, the first.
    """
    audio: dict[str, Path] = {}
    dots, indices = [], []
    for path in walk_files(roots):
        name = path.name.lower()
        if name.endswith(".wv1") and "si_tr_s" in str(path.parent).lower():
            audio.setdefault(name[:-4], path)
        elif name.endswith(".dot"):
            dots.append(path)
        elif name in INDICES:
            indices.append(path)
    return audio, dots, indices


def describe_audio(path: Path) -> tuple[str, float]:
    """The entry of ``wav.scp`` (path, or a pipe with sph2pipe) and the length in s."""
    fields = _sphere_fields(path)
    if "shorten" in fields.get("sample_coding", ""):
        return f"sph2pipe -f wav -p -c 1 '{path}' |", _packed_seconds(path, fields)
    with open_audio(path) as file:
        frames, rate = file.frames, file.samplerate
    if rate != RATE or frames < RATE // 10:
        raise DataError(f"{path}: {frames} samples at {rate} Hz")
    return str(path), frames / RATE


def _packed_seconds(path: Path, fields: Mapping[str, str]) -> float:
    if shutil.which("sph2pipe") is None:
        what = "install sph2pipe (github.com/burrmill/sph2pipe) and put it on PATH"
        raise DataError(f"{path} is packed with shorten: {what}")
    try:
        count, rate = int(fields["sample_count"]), int(fields["sample_rate"])
    except (KeyError, ValueError):
        raise DataError(f"{path}: its header has no sample count") from None
    # A length that no packing can reach means that the file was cut off.
    if rate != RATE or path.stat().st_size < HEADER + count // 10:
        raise DataError(f"{path}: {rate} Hz, or cut off")
    return count / RATE


def _sphere_fields(path: Path) -> dict[str, str]:
    """``name -type value`` lines of a SPHERE header; none if there is no header."""
    try:
        with path.open("rb") as file:
            head = file.read(HEADER).decode("latin-1")
    except OSError as error:
        raise DataError(f"{path}: {error}") from None
    lines = (line.split(None, 2) for line in head.split("\n"))
    is_sphere = head.startswith("NIST_1A")
    return {words[0]: words[2] for words in lines if is_sphere and len(words) == 3}


def build_entries(
    names: Iterable[str], audio: Mapping[str, Path], texts: Mapping[str, str]
) -> tuple[list[Entry], dict[str, str]]:
    """Entries of the set, and the utterances left out -> reason."""
    entries, skipped = [], {}
    for name in sorted(names):
        text = normalize(texts.get(name, ""))
        try:
            if not text or name not in audio:
                raise DataError("no audio" if name not in audio else "no text")
            wav, seconds = describe_audio(audio[name])
        except DataError as error:
            if "sph2pipe" in str(error):
                raise  # concerns every file
            skipped[name] = str(error)
            continue
        key = f"{name[:3]}_{name}_CLEAN".upper()
        entries.append(Entry(key, key[:3], text, wav, wav, seconds))
    return entries, skipped


def main(arguments: Sequence[str]) -> None:
    """Write the folder, and what was left out to ``report/skipped_si284.tsv``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roots", type=Path, nargs="+", required=True)
    parser.add_argument("--data_dir", type=Path, default=Path("data"))
    parser.add_argument("--max_skipped", type=float, default=0.01)
    args = parser.parse_args(arguments)
    audio, dots, indices = find_files([root.resolve() for root in args.roots])
    lacking = set(INDICES) - {path.name.lower() for path in indices}
    if lacking:
        roots = ", ".join(map(str, args.roots))
        raise DataError(f"no {' and no '.join(sorted(lacking))} below {roots}")
    names = set().union(*map(read_index, indices))
    entries, skipped = build_entries(names, audio, read_wsj_dots(dots, names))
    report = args.data_dir / "report/skipped_si284.tsv"
    write_lines(report, map("\t".join, skipped.items()))
    if len(skipped) > args.max_skipped * len(names):
        name, reason = next(iter(skipped.items()))
        raise DataError(
            f"train_si284: {len(skipped)} of {len(names)} utterances cannot be used, "
            f"more than --max_skipped {args.max_skipped:g}; the first is {name}: "
            f"{reason}; all are in {report}"
        )
    write_folder(args.data_dir / "train_si284", entries)
    size = f"{len(entries)} utterances, {sum(e.seconds for e in entries) / 3600:.1f} h"
    log(f"train_si284: {size}; {len(skipped)} left out")


if __name__ == "__main__":
    run_cli(main)
