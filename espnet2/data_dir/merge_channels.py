"""Write files of one channel each as one of several channels, for a pipe in wav.scp.

    <utterance> python3 -m espnet2.data_dir.merge_channels <file> <file> ... |

It does what ``sox -M`` does; the wav of 16 bits goes to the standard output.
"""

import argparse
import io
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from espnet2.data_dir.audio import read_audio
from espnet2.data_dir.tables import DataError, run_cli


def merging_pipe(files: Sequence[str]) -> str:
    """Return what stands in wav.scp for these files, in this order, as one."""
    return f"python3 -m espnet2.data_dir.merge_channels {shlex.join(files)} |"


def merge(files: Sequence[str]) -> tuple[np.ndarray, int]:
    """Return (samples, channels), float64, and the rate in Hz.

    Raises:
        DataError: a file cannot be read, has several channels, or differs from the
            first one in length or rate.
    """
    waves, rates = zip(*map(read_audio, files), strict=True)
    for file, wave, rate in zip(files, waves, rates, strict=True):
        if (len(wave), rate) != (len(waves[0]), rates[0]):
            raise DataError(
                f"{file}: {len(wave)} samples at {rate} Hz, but {files[0]} has "
                f"{len(waves[0])} at {rates[0]} Hz"
            )
    return np.stack(waves, axis=1), rates[0]


def main(arguments: Sequence[str]) -> None:
    """Merge the files of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    samples, rate = merge([*map(str, parser.parse_args(arguments).files)])
    encoded = io.BytesIO()  # a wav's header is written last, a pipe cannot go back
    soundfile.write(encoded, samples, rate, subtype="PCM_16", format="WAV")
    sys.stdout.buffer.write(encoded.getvalue())


if __name__ == "__main__":
    run_cli(main)
