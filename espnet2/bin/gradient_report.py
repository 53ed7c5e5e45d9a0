"""Say in words and in a picture whether the two losses' gradients fight.

usage: python -m espnet2.bin.gradient_report EXP [EXP ...]

For every experiment folder it prints a verdict and writes ``gradient_report.png`` into
its ``images/``. Works after any training with a ``gradient_method`` that looks at both
gradients, or with ``gradient_conf: {probe: true}``.
"""

import argparse
import sys
from pathlib import Path

from espnet2.results.gradient_history import read_history
from espnet2.results.gradient_picture import draw
from espnet2.results.gradient_verdict import describe, read_method

PICTURE = Path("images") / "gradient_report.png"


def main(cmd: list[str] | None = None) -> None:
    """Report on each experiment; a folder without a log ends it with exit code 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exp", nargs="+", type=Path, help="experiment folders")
    for exp in parser.parse_args(cmd).exp:
        try:
            method = read_method(exp)
            history = read_history(exp)
        except ValueError as error:
            sys.exit(f"gradient_report: error: {error}")
        print(f"{exp}:")
        verdict = describe(history, method)
        print(*(f"  {line}" for line in verdict), sep="\n")
        path = exp / PICTURE
        path.parent.mkdir(exist_ok=True)
        draw(history, method, f"{exp.name}: {method.name}", path)
        print(f"  picture: {path}")


if __name__ == "__main__":
    main()
