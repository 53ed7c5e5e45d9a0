#!/usr/bin/env python3
"""Decode with a recogniser that is not the joint model's: upstream's asr_inference.

More options say what it hears: speech of another sampling rate than its own, which is
resampled, and, with a joint model, enhanced speech with a share of the noisy speech.
"""

import argparse
from pathlib import Path
from unittest import mock

from espnet2.bin import asr_inference
from espnet2.transcription.hearing import (
    Hearing,
    add_hearing_options,
    take_hearing_options,
)
from espnet2.transcription.recogniser import rate_of
from espnet2.transcription.transcriber import check_complete


class Listener(asr_inference.Speech2Text):
    """Upstream's recogniser, with ears.

    Args:
        options: what it hears, see ``add_hearing_options``.
        device: cpu or cuda.
        decoding: as of upstream's class.
    """

    def __init__(
        self, options: argparse.Namespace, device: str = "cpu", **decoding
    ) -> None:
        super().__init__(device=device, **decoding)
        check_complete(self.asr_model, Path(decoding["asr_model_file"]))
        self.hearing = Hearing(options, rate_of(vars(self.asr_train_args)), device)

    def __call__(self, speech, **others):
        """Return upstream's result for what is heard of (samples,)."""
        return super().__call__(self.hearing(speech), **others)


def main(cmd: list[str] | None = None) -> None:
    """Decode as upstream does."""
    parser = asr_inference.get_parser()
    add_hearing_options(parser)
    args = parser.parse_args(cmd)
    options = take_hearing_options(args)
    del args.config

    def listener(model_tag: str | None, **decoding) -> Listener:
        return Listener(options, **decoding)

    with mock.patch.object(asr_inference.Speech2Text, "from_pretrained", listener):
        asr_inference.inference(**vars(args))


if __name__ == "__main__":
    main()
