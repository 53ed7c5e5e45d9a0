"""The recipe's scoring tools (``pyscripts/utils``) for the scripts of a comparison."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "pyscripts" / "utils"))
from asr_counts import align, read_counts  # noqa: E402
from run_environment import describe_environment  # noqa: E402
from score_files import ScoreError, c_order, markdown_table, read_table  # noqa: E402
from show_enh_score import read_mean  # noqa: E402

__all__ = [
    "ScoreError",
    "align",
    "c_order",
    "describe_environment",
    "markdown_table",
    "read_counts",
    "read_mean",
    "read_table",
]
