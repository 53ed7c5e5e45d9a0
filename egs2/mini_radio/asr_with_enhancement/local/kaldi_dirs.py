"""Kaldi data folders of the corpus, written beside and then renamed."""

import shutil
from collections import defaultdict
from pathlib import Path

from espnet2.data_dir.tables import replace_folder


def check_replaceable(folder: Path, own_file: str) -> None:
    """Check that ``folder`` is absent, empty or one that we made ourselves.

    Args:
        folder: What is about to be replaced.
        own_file: A file that every such folder of ours holds.

    Raises:
        ValueError: If it is something else, which replacing would destroy.
    """
    if not folder.exists() or (folder / own_file).is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise ValueError(
            f"{folder} exists and holds no {own_file}, so it was not made here; "
            "name another folder or remove it yourself"
        )


def write_data_dir(
    folder: Path, records: list[dict[str, object]], audio_dir: Path
) -> None:
    """Write one data folder; files are sorted in the C locale.

    Args:
        folder: The data folder, replaced as a whole.
        records: Utterances with ``utt_id``, ``voice``, ``text`` and ``cnr_db``.
        audio_dir: Holds ``noisy/<id>.wav`` and ``clean/<id>.wav``.
    """
    audio_dir = audio_dir.resolve()
    partial = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, table in _tables(records, audio_dir).items():
        # Code points sort as UTF-8 bytes do, which is the C locale's order.
        lines = [f"{key} {value}\n" for key, value in sorted(table.items())]
        (partial / name).write_text("".join(lines), encoding="utf-8")
    replace_folder(partial, folder)


def _tables(
    records: list[dict[str, object]], audio_dir: Path
) -> dict[str, dict[str, object]]:
    """Content of each file, by key."""
    texts = {record["utt_id"]: record["text"] for record in records}
    speakers = defaultdict(list)
    for utt_id, voice in sorted((r["utt_id"], r["voice"]) for r in records):
        speakers[voice].append(utt_id)
    return {
        "wav.scp": {utt: audio_dir / "noisy" / f"{utt}.wav" for utt in texts},
        "spk1.scp": {utt: audio_dir / "clean" / f"{utt}.wav" for utt in texts},
        "text": texts,
        "text_spk1": texts,
        "utt2spk": {record["utt_id"]: record["voice"] for record in records},
        "spk2utt": {voice: " ".join(utts) for voice, utts in speakers.items()},
        "utt2cnr": {record["utt_id"]: record["cnr_db"] for record in records},
    }
