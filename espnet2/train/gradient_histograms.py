"""An epoch's angles and stretches as histograms in TensorBoard and W&B."""

import numpy as np

from espnet2.train.gradient_log import ANGLE_EDGES, STRETCH_EDGES, GradientLog


def write_histograms(
    log: GradientLog, epoch: int, summary_writer=None, use_wandb: bool = False
) -> None:
    """Write what ``gradient_log`` holds of an epoch, over all tensors and steps.

    ``grad_angle`` is in degrees, ``grad_log10_stretch`` the log10 of the factor on the
    ASR gradient. Nothing is written where no decision was made. The writer is
    TensorBoard's; W&B is written to if a run of it is on.
    """
    for name, key, edges in (
        ("grad_angle", "angle_counts", ANGLE_EDGES),
        ("grad_log10_stretch", "stretch_counts", STRETCH_EDGES),
    ):
        counts = sum((window[key] for window in log.windows), np.zeros(len(edges) - 1))
        if not counts.any():
            continue
        if summary_writer is not None:
            _to_tensorboard(summary_writer, name, counts, edges, epoch)
        if use_wandb:
            import wandb

            histogram = wandb.Histogram(np_histogram=(counts.tolist(), edges.tolist()))
            wandb.log({name: histogram})


def _to_tensorboard(
    writer, name: str, counts: np.ndarray, edges: np.ndarray, epoch: int
) -> None:
    """Write counts of bins; the sums are those of the bins' middles."""
    middles = (edges[1:] + edges[:-1]) / 2
    used = np.flatnonzero(counts)
    writer.add_histogram_raw(
        name,
        min=edges[used[0]],
        max=edges[used[-1] + 1],
        num=counts.sum(),
        sum=counts @ middles,
        sum_squares=counts @ middles**2,
        bucket_limits=edges[1:].tolist(),
        bucket_counts=counts.tolist(),
        global_step=epoch,
    )
