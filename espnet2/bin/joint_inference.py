#!/usr/bin/env python3
"""Decode or enhance with a joint model by upstream's programs, as it was trained here.

usage: python -m espnet2.bin.joint_inference asr_inference|enh_inference OPTION ...

They know the separators of ours, and take and give channels as in the training.
"""

import argparse
import importlib
from operator import attrgetter
from unittest import mock

from espnet2.enh.inference import hear_as_trained
from espnet2.enh.own_separators import add_own_separators

# Of each program the class that holds the model, and where in it the SE model is.
PROGRAMS = {
    "asr_inference": ("Speech2Text", attrgetter("asr_model.enh_model")),
    "enh_inference": ("SeparateSpeech", attrgetter("enh_model")),
}


def main(cmd: list[str] | None = None) -> None:
    """Run one of upstream's programs on a model that hears as it was trained."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", choices=PROGRAMS, help="of espnet2.bin")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="its own")
    args = parser.parse_args(cmd)
    add_own_separators()
    program = importlib.import_module(f"espnet2.bin.{args.program}")
    name, enh_model_of = PROGRAMS[args.program]
    holder = getattr(program, name)
    build = holder.from_pretrained

    def built(**options: object) -> object:
        held = build(**options)
        hear_as_trained(enh_model_of(held))
        return held

    with mock.patch.object(holder, "from_pretrained", built):
        program.main(args.options)


if __name__ == "__main__":
    main()
