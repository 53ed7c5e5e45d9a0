"""Make one HTML page of an experiment's results, or of several side by side.

usage: python -m espnet2.bin.result_page EXP [EXP ...]

Run it in the recipe folder after stage 15. ``<first EXP>/report.html`` opens in any
browser, without a network: scores with intervals, players and alignments of the worst,
median and best utterances, and the gradients' conflict.
"""

import argparse
import string
import sys
from pathlib import Path

from espnet2.result_page.methods import read_comparison
from espnet2.result_page.page import MAX_BYTES, make_page
from espnet2.results.enhancement import ENH_TAG
from espnet2.results.experiment import read_experiment
from espnet2.results.tables import write_files

PAGE = "report.html"


def read_arguments(cmd: list[str] | None) -> argparse.Namespace:
    """Return the command line's values."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "exp", nargs="+", type=Path, help="experiments; the others compare to the first"
    )
    parser.add_argument(
        "--dumpdir", type=Path, default=Path("dump"), help="noisy and clean speech"
    )
    parser.add_argument(
        "--enh_tag", default=ENH_TAG, help="--inference_enh_tag of the recipe"
    )
    parser.add_argument("--output", type=Path, help=f"default: <first EXP>/{PAGE}")
    parser.add_argument(
        "--utterances", type=int, default=12, help="how many to listen to"
    )
    parser.add_argument(
        "--results_tsv", type=Path, help="of a comparison of methods, to show as well"
    )
    args = parser.parse_args(cmd)
    if args.utterances < 0:
        parser.error(f"--utterances: {args.utterances}: wants 0 or more")
    if len(args.exp) > len(string.ascii_uppercase):
        parser.error(f"{len(args.exp)} experiments: at most 26 fit on a page")
    return args


def main(cmd: list[str] | None = None) -> None:
    """Write the page; what cannot be read ends it with one line and exit code 1."""
    args = read_arguments(cmd)
    letters = string.ascii_uppercase if len(args.exp) > 1 else [""]
    try:
        pairs = zip(args.exp, letters, strict=False)
        experiments = [read_experiment(*pair, args.enh_tag) for pair in pairs]
        comparison = read_comparison(args.results_tsv) if args.results_tsv else None
        made = make_page(experiments, args.dumpdir, args.utterances, comparison)
    except ValueError as error:
        sys.exit(f"result_page: error: {error}")
    output = args.output or args.exp[0] / PAGE
    write_files({output: made.html})
    size = len(made.html.encode("utf-8")) / 1e6
    print(f"{output}: {made.shown} utterances, {size:.1f} MB; open it in a browser")
    if made.shown < made.wanted:
        print(f"  not all {made.wanted}, so that it stays under {MAX_BYTES / 1e6:g} MB")


if __name__ == "__main__":
    main()
