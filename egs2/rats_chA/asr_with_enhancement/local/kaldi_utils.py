"""What this recipe takes from the template's ``utils``."""

from espnet2.data_dir.tables import (
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
