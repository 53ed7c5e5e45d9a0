"""Averages of the best models, each made for itself."""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from unittest import mock

from espnet2.main_funcs.average_nbest_models import average_nbest_models
from espnet2.train import trainer
from espnet2.train.reporter import Reporter


def average_each(
    output_dir: Path,
    reporter: Reporter,
    best_model_criterion: Sequence[Sequence[str]],
    nbest: Collection[int] | int,
    suffix: str | None = None,
) -> None:
    """Call upstream's ``average_nbest_models`` for each criterion and number alone.

    In one call upstream adds models up in the first of them, and takes it so for the
    averages that come after. Arguments and files are upstream's.
    """
    numbers = sorted({nbest} if isinstance(nbest, int) else set(nbest)) or [1]
    for criterion in best_model_criterion:
        phase, key, mode = criterion
        if not reporter.has(phase, key):
            continue
        epochs = len(reporter.sort_epochs(phase, key, mode))
        # The largest comes last: <phase>.<key>.ave.pth points to it.
        for number in [n for n in numbers if 0 < n <= epochs] or [1]:
            average_nbest_models(output_dir, reporter, [criterion], number, suffix)


@contextlib.contextmanager
def right_averaging() -> Iterator[None]:
    """Let upstream's trainer average with ``average_each``."""
    with mock.patch.object(trainer, "average_nbest_models", average_each):
        yield
