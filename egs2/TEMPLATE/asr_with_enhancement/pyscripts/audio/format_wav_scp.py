#!/usr/bin/env python3
"""Write the audio of an scp at one sampling rate, and a new scp that names it.

Reads plain paths and Kaldi pipes (a command ending in ``|``), cuts ``segments`` if
given, takes one channel, resamples, and writes 16-bit files. Into the output folder go
``<utterance>.<format>``, then ``utt2num_samples`` and the scp under its old name, these
two only when everything before succeeded.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from espnet2.data_dir.audio import Channel, iterate_audio, parse_channel, parse_rate
from espnet2.data_dir.audio_writing import audio_path, write_audio
from espnet2.data_dir.resampling import resample
from espnet2.data_dir.tables import DataError, log, read_table, run_cli, write_table


def format_audio(
    scp: Path,
    outdir: Path,
    rate: int,
    audio_format: str,
    segments: Path | None = None,
    channel: Channel = None,
) -> int:
    """Write audio, new scp and ``utt2num_samples``; return the number of utterances.

    The options are those of the command line, ``rate`` in Hz. A `DataError` about an
    audio file has the utterance.
    """
    cuts = read_table(segments, strict=False) if segments is not None else None
    sources = read_table(scp, strict=False)
    written: dict[str, str] = {}
    lengths: dict[str, str] = {}
    clipped = 0
    rates: Counter[int] = Counter()
    utterances = iterate_audio(sources, cuts, channel)
    total = len(sources if cuts is None else cuts)
    for key, samples, old_rate in tqdm(utterances, total=total, mininterval=5):
        path = audio_path(outdir, key, audio_format)
        if len(samples) == 0:
            raise DataError(f"utterance {key}: its segment is shorter than a sample")
        rates[old_rate] += 1
        wave = resample(samples, old_rate, rate)
        clipped += bool(np.abs(wave).max() > 1)
        write_audio(path, wave, rate)
        written[key], lengths[key] = str(path), str(len(wave))
    _tell(scp, rate, rates, clipped)
    write_table(outdir / "utt2num_samples", lengths)
    write_table(outdir / scp.name, written)
    return len(written)


def _tell(scp: Path, rate: int, rates: Counter[int], clipped: int) -> None:
    for old_rate in sorted(rates.keys() - {rate}):
        count = rates[old_rate]
        log(f"{scp}: resampled {count} utterances from {old_rate} to {rate} Hz")
    if clipped:
        log(
            f"warning: {scp}: {clipped} utterances exceeded full scale and were clipped"
        )


def main(arguments: Sequence[str]) -> None:
    """Format the scp given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fs", type=str, required=True, help="rate: 8000, 8k, 16k...")
    parser.add_argument("--audio_format", choices=("wav", "flac"), default="flac")
    parser.add_argument("--segments", type=Path, help="cut these from the recordings")
    parser.add_argument(
        "--ref_channel", type=parse_channel, help="channel to take, from 0, or all"
    )
    parser.add_argument("scp", type=Path)
    parser.add_argument("outdir", type=Path)
    args = parser.parse_args(arguments)
    rate, cut = parse_rate(args.fs), (args.segments, args.ref_channel)
    count = format_audio(args.scp, args.outdir, rate, args.audio_format, *cut)
    log(f"wrote {count} utterances of {args.scp} to {args.outdir}")


if __name__ == "__main__":
    run_cli(main)
