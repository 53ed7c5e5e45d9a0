#!/usr/bin/env python3
"""Transcribe recordings with a joint model; on request write the enhanced speech too.

Prints one JSON object a line as soon as it is known: path, name, seconds, text, and
with --enhanced_dir the path of the enhanced wav. What fails has "error" in its line,
and the exit code is 1 in the end. A recording is decoded in one piece: memory and time
grow with the square of its length if the model attends to all of it: cut long ones.
"""

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import soundfile
from tqdm import tqdm

from espnet2.transcription.recordings import (
    Recording,
    enhanced_paths,
    find_recordings,
    read_speech,
)

if TYPE_CHECKING:
    from espnet2.transcription.transcriber import Transcriber


def get_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet2.bin.transcribe",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model",
        type=Path,
        required=True,
        help="experiment folder, packed .zip, or the folder of an unpacked one",
    )
    parser.add_argument(
        "recordings",
        nargs="+",
        metavar="FILE|FOLDER|LIST.scp",
        help="recordings, folders of them, lists of lines '<name> <path>'",
    )
    parser.add_argument(
        "--decode_config", type=Path, help="YAML of the recipe, conf/decode_asr.yaml"
    )
    parser.add_argument("--enhanced_dir", type=Path, help="where enhanced wavs go")
    parser.add_argument(
        "--channel",
        type=_channel,
        default=None,
        help="which of several channels, from 0 (default: all of them for a model that "
        "hears several, else the first)",
    )
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    return parser


def _channel(text: str) -> int:
    """Return a channel's number; argparse makes the error."""
    if int(text) < 0:
        raise ValueError
    return int(text)


def process(
    model: "Transcriber",
    recording: Recording,
    channel: int | None,
    enhanced: Path | None,
) -> dict[str, str | float]:
    """Return what is said of one recording; never raises for a bad one."""
    line: dict[str, str | float] = recording._asdict()
    try:
        speech, seconds = read_speech(recording.path, channel, model.rate)
        line["seconds"] = round(seconds, 3)
        line["text"] = model.transcribe(speech)
        if enhanced is not None:
            samples = model.enhance(speech)
            enhanced.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(enhanced, samples, model.rate, subtype="PCM_16")
            line["enhanced"] = str(enhanced)
    except ValueError as error:
        line["error"] = f"{recording.path}: {error}"
    except Exception as error:  # whatever upstream raises, the other files go on
        line["error"] = f"{recording.path}: {type(error).__name__}: {error}"
    return line


def run(args: argparse.Namespace) -> int:
    """Print a line for each recording; return how many failed.

    Raises:
        ValueError: an argument, a list or the model is wrong.
    """
    # PyTorch and ESPnet take seconds to load, which --help need not wait for.
    from espnet2.transcription.model_files import model_files
    from espnet2.transcription.transcriber import Transcriber, read_decode_conf

    recordings = find_recordings(args.recordings)
    targets: list[Path | None] = [None] * len(recordings)
    if args.enhanced_dir is not None:
        targets = enhanced_paths(recordings, args.enhanced_dir)
    failed = 0
    output = sys.stdout  # for JSON alone; what upstream prints goes elsewhere
    with contextlib.redirect_stdout(sys.stderr), model_files(args.model) as files:
        conf = read_decode_conf(args.decode_config)
        model = Transcriber(files, conf, args.device, args.enhanced_dir is not None)
        channel = model.choose_channel(args.channel)
        # disable=None: no bar where standard error is no terminal
        pairs = zip(recordings, targets, strict=True)
        for recording, target in tqdm(pairs, total=len(recordings), disable=None):
            line = process(model, recording, channel, target)
            print(json.dumps(line, ensure_ascii=False), file=output, flush=True)
            failed += "error" in line
    return failed


def main(cmd: list[str] | None = None) -> None:
    """Transcribe; exit with 1 if a recording failed, with 2 if nothing could begin."""
    parser = get_parser()
    args = parser.parse_args(cmd)
    try:
        failed = run(args)
    except ValueError as error:
        message = " ".join(str(error).split())  # a line, whatever upstream wrote
        parser.exit(2, f"transcribe: error: {message}\n")
    if failed:
        parser.exit(1, f"transcribe: {failed} recordings failed\n")


if __name__ == "__main__":
    main()
