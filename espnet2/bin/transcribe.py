#!/usr/bin/env python3
"""Transcribe recordings with a joint model; on request write the enhanced speech too.

usage: python -m espnet2.bin.transcribe --model EXP FILE|FOLDER|LIST.scp ...

Prints one JSON object a line as soon as it is known: path, seconds, text, and with
--enhanced_dir the enhanced wav. A recording that fails has "error" in place of "text";
the exit code is then 1 at the end. A recording is decoded in one piece, at once: memory
and time grow with the square of its length where the model attends to all of it, so cut
recordings of more than a minute or two first.
"""

import argparse
import contextlib
import inspect
import json
import sys
from pathlib import Path

import humanfriendly
import numpy as np
import soundfile
from tqdm import tqdm

from espnet2.bin.asr_inference import Speech2Text
from espnet2.bin.enh_inference import SeparateSpeech
from espnet2.bin.transcribe_audio import enhanced_paths, find_recordings, read_speech
from espnet2.bin.transcribe_model import (
    ModelFiles,
    model_files,
    read_weights,
    read_yaml,
    weights_only,
)

# Options of upstream's decoding that --model and --device settle here.
SETTLED = ("self", "asr_train_config", "asr_model_file", "enh_s2t_task", "device")


class Transcriber:
    """A joint model that gives the text of noisy speech, and the enhanced speech.

    Args:
        files: the model, from ``model_files``.
        decode_conf: options of upstream's ``Speech2Text``, such as beam_size.
        device: cpu or cuda.
        enhance: whether ``enhance`` will be called, which takes a second copy.
    """

    def __init__(
        self, files: ModelFiles, decode_conf: dict, device: str, enhance: bool
    ) -> None:
        lm = {"lm_train_config": files.lm_config, "lm_file": files.lm_weights}
        with weights_only():
            self.to_text = Speech2Text(
                files.config,
                files.weights,
                enh_s2t_task=True,
                device=device,
                **{**lm, **decode_conf},
            )
            self.separate = None
            if enhance:
                self.separate = SeparateSpeech(
                    files.config,
                    files.weights,
                    enh_s2t_task=True,
                    device=device,
                    normalize_output_wav=True,
                )
        check_complete(self.to_text.asr_model, files)
        rate = self.to_text.asr_train_args.frontend_conf.get("fs", 16000)
        self.rate = humanfriendly.parse_size(str(rate))

    def transcribe(self, speech: np.ndarray) -> str:
        """Return the text of (samples,) at ``rate``."""
        (hypotheses,) = self.to_text(speech)
        return hypotheses[0][0]

    def enhance(self, speech: np.ndarray) -> np.ndarray:
        """Return the enhanced (samples,), its peak at 0.9 as in the recipes."""
        (enhanced,) = self.separate(speech[None], fs=self.rate)
        if not np.isfinite(enhanced).all():
            raise ValueError("the enhanced speech is not finite; is there only silence?")
        return enhanced[0]


def check_complete(model, files: ModelFiles) -> None:
    """Raise ValueError if a parameter is not in the checkpoint.

    Upstream leaves such a parameter at its random start without a word.
    """
    wanted = {
        name for name in model.state_dict() if name.startswith(("enh_model.", "s2t_"))
    }
    missing = sorted(wanted - read_weights(files.weights).keys())
    if missing:
        raise ValueError(
            f"{files.weights}: lacks {len(missing)} parameters that the config asks "
            f"for, such as {missing[0]}"
        )


def read_decode_conf(path: Path | None) -> dict:
    """Return a decoding config, whose keys are options of ``Speech2Text``."""
    if path is None:
        return {}
    conf = read_yaml(path)
    known = [key for key in inspect.signature(Speech2Text).parameters if key not in SETTLED]
    unknown = sorted(map(str, set(conf) - set(known)))
    if unknown:
        raise ValueError(
            f"{path}: unknown key {', '.join(unknown)}; known are {', '.join(known)}"
        )
    return conf


def get_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = argparse.ArgumentParser(
        prog="transcribe",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model",
        type=Path,
        required=True,
        help="experiment folder, packed .zip, or the folder of an unpacked one",
    )
    parser.add_argument("recordings", nargs="+", metavar="FILE|FOLDER|LIST.scp")
    parser.add_argument(
        "--decode_config", type=Path, help="YAML of the recipe, conf/decode_asr.yaml"
    )
    parser.add_argument("--enhanced_dir", type=Path, help="where enhanced wavs go")
    parser.add_argument(
        "--channel", type=int, default=0, help="of several, from 0 (default: the first)"
    )
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    return parser


def process(
    model: Transcriber, path: str, channel: int, enhanced: Path | None
) -> dict[str, str | float]:
    """Return what is said of one recording; never raises for a bad one."""
    line: dict[str, str | float] = {"path": path}
    try:
        speech, seconds = read_speech(path, channel, model.rate)
        line["seconds"] = round(seconds, 3)
        line["text"] = model.transcribe(speech)
        if enhanced is not None:
            samples = model.enhance(speech)
            enhanced.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(enhanced, samples, model.rate, subtype="PCM_16")
            line["enhanced"] = str(enhanced)
    except Exception as error:  # whatever upstream raises, the other files go on
        line["error"] = f"{path}: {type(error).__name__}: {error}"
    return line
