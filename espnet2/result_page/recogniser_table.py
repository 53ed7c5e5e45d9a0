"""The table of recognisers, seen and unseen, that heard the same speech."""

from collections.abc import Callable
from pathlib import Path

from espnet2.data_dir.tables import DataError
from espnet2.result_page.cells import (
    NOTHING,
    Cell,
    Column,
    Table,
    score_cell,
    text_column,
)
from espnet2.results.experiment import Experiment
from espnet2.results.recognisers import Listener, find_listeners
from espnet2.results.recognition import ErrorRate, difference, read_error_rate

CAPTION = (
    "Recognisers, with and without enhancement: lower is better; small figures are "
    "95\u00a0% intervals. The joint training never saw the unseen ones. A noisy share "
    "is mixed into the enhanced speech."
)
CHANGE = "WER of enhanced less noisy speech, in points, with 95\u00a0% interval"


def recogniser_table(experiments: list[Experiment], missing: list[str]) -> Table | None:
    """Return a row for each recogniser, share and set, None without any.

    Args:
        experiments: those of the page.
        missing: sentences on what cannot be shown, to which it adds.
    """
    found = [
        (exp, listener) for exp in experiments for listener in find_listeners(exp.path)
    ]
    if not found:
        return None
    listeners = [listener for _, listener in found]
    read = _reader(missing)
    noisy, enhanced, clean = (
        [read(listener, heard) for listener in listeners]
        for heard in ("noisy", "enhanced", "clean")
    )
    columns = [
        *[text_column("system", [e.letter for e, _ in found])] * (len(experiments) > 1),
        text_column("recogniser", [x.name for x in listeners]),
        text_column("training", [x.kind for x in listeners]),
        text_column("noisy share", [x.share or NOTHING for x in listeners]),
        text_column("set", [x.set_name for x in listeners]),
        Column("noisy", "WER % of the noisy speech", list(map(_cell, noisy))),
        Column("enhanced", "WER % of the enhanced speech", list(map(_cell, enhanced))),
        Column("change", CHANGE, list(map(_change, noisy, enhanced))),
        Column("clean", "WER % of the clean speech", list(map(_cell, clean))),
    ]
    return Table("recognisers", CAPTION, columns)


def _reader(missing: list[str]) -> Callable[[Listener, str], ErrorRate | None]:
    """Return what reads a WER, and complains once of a folder."""
    read: dict[Path, ErrorRate | None] = {}

    def rate(listener: Listener, heard: str) -> ErrorRate | None:
        folder = listener.folders.get(heard)
        if folder is None or folder in read:
            return read.get(folder)
        try:
            read[folder] = read_error_rate(folder / "score_wer")
        except (DataError, OSError) as error:
            missing.append(f"{error}.")
            read[folder] = None
        return read[folder]

    return rate


def _cell(rate: ErrorRate | None) -> Cell:
    return score_cell(rate.percent, 1, rate.interval) if rate else Cell()


def _change(noisy: ErrorRate | None, enhanced: ErrorRate | None) -> Cell:
    change = difference(noisy, enhanced) if noisy and enhanced else None
    return score_cell(change.value, 1, change.interval, "+") if change else Cell()
