"""Repair, copy and join Kaldi data folders.

``fix_data_dir.sh``, ``copy_data_dir.sh`` and ``combine_data.sh`` call this file with
``fix``, ``copy`` or ``combine`` as the first word.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.layout import (
    parse_segment,
    recording_tables,
    require_folder,
    utterance_tables,
    write_tables,
)
from espnet2.data_dir.tables import DataError, Table, log, read_table, run_cli


def fix(folder: Path, extra: Sequence[str] = ()) -> None:
    """Sort the tables and keep only the utterances that stand in all of them.

    The tables as they were go to ``.backup``; ``spk2utt`` is made anew. ``extra`` names
    further tables keyed by utterance.

    Raises:
        DataError: nothing would remain, or one id has two values.
    """
    require_folder(folder)
    names = utterance_tables(folder, extra)
    tables = {name: read_table(folder / name, strict=False) for name in names}
    kept = set.intersection(*(set(table) for table in tables.values()))
    used: set[str] = set()
    recording_of = {
        key: parse_segment(value, f"{folder}/segments: utterance {key}")[0]
        for key, value in tables.get("segments", {}).items()
    }
    for name in recording_tables(folder):
        tables[name] = read_table(folder / name, strict=False)
        kept = {key for key in kept if recording_of[key] in tables[name]}
        used = {recording_of[key] for key in kept}
    if not kept:
        raise DataError(f"{folder}: no utterance stands in all of {' '.join(tables)}")
    (folder / ".backup").mkdir(exist_ok=True)
    count = len(tables["utt2spk"])
    for name, table in tables.items():
        ids = kept if name in names else used
        shutil.copy2(folder / name, folder / ".backup" / name)
        tables[name] = {key: table[key] for key in ids if key in table}
    write_tables(folder, tables)
    log(f"{folder}: kept {len(kept)} of {count} utterances")


def copy(
    source: Path,
    target: Path,
    utt_affixes: tuple[str, str] = ("", ""),
    spk_affixes: tuple[str, str] = ("", ""),
) -> None:
    """Copy the tables of a data folder, with a prefix and suffix on the ids.

    Recordings keep their ids, so audio named in ``wav.scp`` beside ``segments`` is
    still found.

    Raises:
        DataError: the source is no data folder, or is the target.
    """
    require_folder(source)
    if target.exists() and source.samefile(target):
        raise DataError(f"cannot copy {source} onto itself")
    target.mkdir(parents=True, exist_ok=True)
    before, after = utt_affixes
    spk_before, spk_after = spk_affixes
    tables = {}
    for name in utterance_tables(source):
        table = read_table(source / name, strict=False)
        if name == "utt2spk":
            table = {k: f"{spk_before}{v}{spk_after}" for k, v in table.items()}
        tables[name] = {f"{before}{k}{after}": table[k] for k in table}
    for name in recording_tables(source):
        tables[name] = read_table(source / name, strict=False)
    write_tables(target, tables)


def combine(target: Path, sources: Sequence[Path], extra: Sequence[str] = ()) -> None:
    """Join data folders; a table that not every source has is left out, and said.

    ``extra`` names further tables, which every source must have.

    Raises:
        DataError: an utterance stands in two sources, or an extra table is missing.
    """
    for source in sources:
        require_folder(source)
    found = {s: {*utterance_tables(s, extra), *recording_tables(s)} for s in sources}
    common = set.intersection(*found.values())
    for name in sorted(set.union(*found.values(), extra) - common):
        lacking = next(source for source in sources if name not in found[source])
        if name in extra or name in ("wav.scp", "segments"):
            raise DataError(f"{lacking / name} is missing, the other sources have one")
        log(f"{target}: {name} is left out, since {lacking} has none")
    target.mkdir(parents=True, exist_ok=True)
    write_tables(target, {name: _join(name, sources) for name in sorted(common)})


def _join(name: str, sources: Sequence[Path]) -> Table:
    joined: Table = {}
    origin: dict[str, Path] = {}
    for source in sources:
        for key, value in read_table(source / name, strict=False).items():
            same_recording = name.endswith(".scp") and joined.get(key) == value
            if key in joined and not same_recording:
                raise DataError(f"{key} stands in {origin[key] / name} and in {source}")
            joined[key] = value
            origin[key] = source
    return joined


def main(arguments: Sequence[str]) -> None:
    """Run the command named by the first argument."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fixer = commands.add_parser("fix", prog="fix_data_dir.sh", description=fix.__doc__)
    fixer.add_argument("data_dir", type=Path)
    fixer.add_argument("--utt-extra-files", "--utt_extra_files", default="")
    copier = commands.add_parser("copy", prog="copy_data_dir.sh")
    for name in ("utt-prefix", "utt-suffix", "spk-prefix", "spk-suffix"):
        copier.add_argument(f"--{name}", f"--{name.replace('-', '_')}", default="")
    ignored = {"help": "accepted and ignored"}
    copier.add_argument("--validate-opts", "--validate_opts", **ignored)
    copier.add_argument("source", type=Path)
    copier.add_argument("target", type=Path)
    combiner = commands.add_parser("combine", prog="combine_data.sh")
    combiner.add_argument("--extra-files", "--extra_files", default="")
    combiner.add_argument("--skip-fix", "--skip_fix", **ignored)
    combiner.add_argument("target", type=Path)
    combiner.add_argument("sources", type=Path, nargs="+")
    args = parser.parse_args(arguments)
    if args.command == "fix":
        fix(args.data_dir, args.utt_extra_files.split())
    elif args.command == "copy":
        utt = (args.utt_prefix, args.utt_suffix)
        copy(args.source, args.target, utt, (args.spk_prefix, args.spk_suffix))
    else:
        combine(args.target, args.sources, args.extra_files.split())


if __name__ == "__main__":
    run_cli(main)
