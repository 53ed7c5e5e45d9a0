"""What is left to do for an epoch, or a training, whose checkpoint is written."""

import logging
from pathlib import Path

import torch

from espnet2.interruptible.checkpoints import CHECKPOINT, is_whole, whole_checkpoint
from espnet2.interruptible.ranks import this_rank
from espnet2.train.reporter import Reporter
from espnet2.train.trainer import TrainerOptions


def finish(options: TrainerOptions) -> bool:
    """Finish the last epoch of a training; tell whether that was the training's end.

    A crash after the checkpoint may have left the epoch's model out, and with it the
    links to the latest and the best model, and the removal of models that are no more
    among the best. Upstream makes up for none of them.

    The end is the last epoch, or the one after which upstream stopped early; upstream
    would train one more.
    """
    folder = Path(options.output_dir)
    if not options.resume or not (folder / CHECKPOINT).exists():
        return False
    state = torch.load(
        whole_checkpoint(folder / CHECKPOINT),
        map_location="cpu",
        mmap=True,
        weights_only=False,  # main() forbids all but plain data, see PLAIN_LOADING
    )
    reporter = Reporter()
    reporter.load_state_dict(state["reporter"])
    if this_rank() == 0:
        _finish_epoch(folder, state["model"], reporter, options)
    if not _is_last(reporter, options):
        return False
    logging.info(f"The training has ended after epoch {reporter.get_epoch()}")
    options.max_epoch = min(options.max_epoch, reporter.get_epoch())
    return all(
        (folder / f"{phase}.{key}.ave.pth").exists()
        for phase, key, _ in _known(reporter, options)
    )


def _finish_epoch(
    folder: Path, model: dict, reporter: Reporter, options: TrainerOptions
) -> None:
    epoch = reporter.get_epoch()
    if not is_whole(folder / f"{epoch}epoch.pth"):
        torch.save(model, folder / f"{epoch}epoch.pth")
    _link(folder / "latest.pth", epoch)
    nbest = options.keep_nbest_models
    kept = max([nbest] if isinstance(nbest, int) else nbest, default=1)
    wanted = {epoch}
    for phase, key, mode in _known(reporter, options):
        best = reporter.sort_epochs(phase, key, mode)[:kept]
        wanted.update(best)
        if best[0] == epoch:
            _link(folder / f"{phase}.{key}.best.pth", epoch)
    for number in set(range(1, epoch)) - wanted:
        (folder / f"{number}epoch.pth").unlink(missing_ok=True)


def _link(link: Path, epoch: int) -> None:
    """Let a link point to an epoch's model, if it does not."""
    target = f"{epoch}epoch.pth"
    if not link.is_symlink() or link.readlink().name != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _is_last(reporter: Reporter, options: TrainerOptions) -> bool:
    if reporter.get_epoch() >= options.max_epoch:
        return True
    criterion = options.early_stopping_criterion
    return (
        options.patience is not None
        and reporter.has(*criterion[:2])
        and reporter.check_early_stopping(options.patience, *criterion)
    )


def _known(reporter: Reporter, options: TrainerOptions) -> list:
    """Return the criteria of the best model that the epoch has values of."""
    return [c for c in options.best_model_criterion if reporter.has(*c[:2])]
