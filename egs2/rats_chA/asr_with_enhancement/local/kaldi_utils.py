"""What this recipe takes from the template's ``utils``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "utils"))

from data_dir import (  # noqa: E402
    DataError,
    Table,
    log,
    replace_folder,
    run_cli,
    utt2spk_to_spk2utt,
    write_lines,
    write_table,
)

__all__ = [
    "DataError",
    "Table",
    "log",
    "replace_folder",
    "run_cli",
    "utt2spk_to_spk2utt",
    "write_lines",
    "write_table",
]
