"""Say on disk how far a training run is, so that any terminal can show it.

The run may be on another machine of a cluster, its output in a log file; a small JSON
file in the experiment folder, replaced about once a second, is what both can reach.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from espnet2.train.reporter import SubReporter

FILE_NAME = "progress.json"
SECONDS_BETWEEN_WRITES = 1.0


class ProgressIterator:
    """Pass an epoch's batches on and write ``progress.json`` while they are used.

    The file holds ``epoch, max_epoch, step, steps`` (of this epoch; ``steps`` is null
    where the iterator has no length), ``loss`` (of the latest batch, null before the
    first) and ``time`` (seconds since 1970).

    Args:
        iterator: the batches of one epoch.
        output_dir: the experiment's folder.
        reporter: of the epoch.
        max_epoch: the number of the last epoch.
    """

    def __init__(
        self,
        iterator: Iterable,
        output_dir: str | Path,
        reporter: SubReporter,
        max_epoch: int,
    ) -> None:
        self.iterator = iterator
        self.path = Path(output_dir) / FILE_NAME
        self.reporter = reporter
        self.max_epoch = max_epoch
        self.next_write = 0.0

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
        temporary = self.path.with_name(f"{FILE_NAME}.tmp")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(state), encoding="utf-8")
        os.replace(temporary, self.path)
        self.next_write = time.monotonic() + SECONDS_BETWEEN_WRITES
