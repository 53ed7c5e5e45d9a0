"""Say on disk how far a training run is, so that any terminal can show it.

The run may be on another machine of a cluster, its output in a log file; a small JSON
file in the experiment folder, replaced about once a second, is what both can reach.
"""

import dataclasses
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from espnet2.data_dir.tables import write_lines

if TYPE_CHECKING:  # PyTorch would make the screen's program wait for seconds
    from espnet2.train.reporter import SubReporter

FILE_NAME = "progress.json"
WARNINGS = "warnings.log"
SECONDS_BETWEEN_WRITES = 1.0


@dataclasses.dataclass
class ProgressIterator:
    """Pass an epoch's batches on and write ``progress.json`` while they are used.

    The file holds ``epoch, max_epoch, step, steps`` (of this epoch; ``steps`` is null
    where the iterator has no length), ``loss`` (of the latest batch, null before the
    first) and ``time`` (seconds since 1970).

    The reporter is that of the epoch, ``max_epoch`` the number of the last one.
    """

    iterator: Iterable
    output_dir: str | Path
    reporter: "SubReporter"
    max_epoch: int
    next_write: float = dataclasses.field(default=0.0, init=False)

    def __len__(self) -> int:
        return len(self.iterator)

    def __iter__(self) -> Iterator:
        step = 0
        for step, batch in enumerate(self.iterator, 1):
            yield batch
            if time.monotonic() >= self.next_write:
                self._write(step)
        self._write(step)

    def _write(self, step: int) -> None:
        try:
            steps = len(self.iterator)
        except TypeError:
            steps = None
        losses = self.reporter.stats.get("loss")
        state = {
            "epoch": self.reporter.get_epoch(),
            "max_epoch": self.max_epoch,
            "step": step,
            "steps": steps,
            "loss": losses[-1].value if losses else None,
            "time": time.time(),
        }
        write_lines(Path(self.output_dir, FILE_NAME), [json.dumps(state)])
        self.next_write = time.monotonic() + SECONDS_BETWEEN_WRITES


def add_warning(output_dir: str | Path, text: str) -> None:
    """Write a line to ``warnings.log``, which whoever watches the training shows."""
    with Path(output_dir, WARNINGS).open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")
