#!/usr/bin/env python3
"""Make a copy of a data folder whose speech is faster or slower.

The samples are taken as if they had been recorded at ``factor`` times their rate and
resampled to the true one (as ``sox speed`` does): tempo and pitch change together, and
n samples become ceil(n / factor). ``wav.scp`` and ``spk*.scp`` are treated alike, so
the clean reference stays in step with the noisy speech. Utterance and speaker ids get
the prefix ``sp<factor>-`` and keep their ends, by which training tells real recordings.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from espnet2.data_dir.audio import Channel, iterate_audio, parse_channel
from espnet2.data_dir.audio_writing import audio_path, write_audio
from espnet2.data_dir.edit import copy
from espnet2.data_dir.layout import require_folder, scp_tables
from espnet2.data_dir.resampling import resample
from espnet2.data_dir.tables import DataError, log, read_table, run_cli, write_table


def perturb(source: Path, target: Path, factor: float, channel: Channel) -> int:
    """Make the data folder ``target``; return the number of utterances."""
    if not 0.1 < factor < 10:
        raise DataError(f"speed factor {factor:g}: want a value such as 0.9 or 1.1")
    require_folder(source)
    prefix = f"sp{factor:g}-"
    copy(source, target, (prefix, ""), (prefix, ""))
    cuts = source / "segments"
    segments = read_table(cuts) if cuts.is_file() else None
    for stale in ("segments", "utt2dur", "utt2num_frames", "utt2num_samples"):
        (target / stale).unlink(missing_ok=True)
    count = 0
    for name in scp_tables(source):
        (target / name).unlink()
        scp = {}
        utterances = iterate_audio(read_table(source / name), segments, channel)
        for key, samples, rate in tqdm(utterances, desc=name, mininterval=5):
            folder = target / "data" / Path(name).stem
            path = audio_path(folder, prefix + key, "wav")
            write_audio(path, resample(samples, round(rate * factor), rate), rate)
            scp[prefix + key] = str(path)
        write_table(target / name, scp)
        count = len(scp)
    return count


def main(arguments: Sequence[str]) -> None:
    """Perturb the data folder given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--factor", type=float, required=True, help="0.9 is slower")
    parser.add_argument(
        "--ref_channel", type=parse_channel, help="channel to take, from 0, or all"
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    args = parser.parse_args(arguments)
    count = perturb(args.source, args.target, args.factor, args.ref_channel)
    log(f"wrote {count} utterances at speed {args.factor:g} to {args.target}")


if __name__ == "__main__":
    run_cli(main)
