#!/usr/bin/env python3
"""Decode or enhance with a joint model by upstream's programs, which know ours here.

usage: python -m espnet2.bin.joint_inference asr_inference|enh_inference OPTION ...
"""

import argparse
import importlib

from espnet2.enh.own_separators import add_own_separators

PROGRAMS = ("asr_inference", "enh_inference")


def main(cmd: list[str] | None = None) -> None:
    """Run one of upstream's programs once the separators of ours are known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", choices=PROGRAMS, help="of espnet2.bin")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="its own")
    args = parser.parse_args(cmd)
    add_own_separators()
    importlib.import_module(f"espnet2.bin.{args.program}").main(args.options)


if __name__ == "__main__":
    main()
