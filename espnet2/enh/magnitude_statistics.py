"""Mean and standard deviation of the noisy magnitudes of a training set.

Stage 10 adds them up with upstream's other statistics: over all frames of all
recordings, without padding, for each frequency bin.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from espnet2.enh.espnet_model import ESPnetEnhancementModel
from espnet2.enh.global_mvn_blstm import GlobalMVNBLSTM

KEY = "enh_magnitude"
MAKES_IT = "stage 10 makes it, run with the config of the training"


def collect_magnitudes(
    enh_model: ESPnetEnhancementModel, speech: Tensor, lengths: Tensor
) -> dict[str, Tensor]:
    """Return what upstream's ``collect_stats`` is to add up, by its keys.

    Args:
        enh_model: whose encoder makes spectra.
        speech: (batch, samples), noisy.
        lengths: (batch,), samples.

    Returns:
        The magnitudes (batch, frames, bins), float64, since they are summed over hours,
        and their lengths (batch,) in frames.
    """
    spectrum, frames = enh_model.encoder(speech, lengths)
    return {KEY: abs(spectrum).double(), f"{KEY}_lengths": frames}


def statistics_file(train_shape_file: Sequence[str]) -> Path:
    """Return the file of the statistics, which lies beside the shape files.

    Raises:
        ValueError: there are no shape files, no statistics, or their end is missing.
    """
    if not train_shape_file:
        raise ValueError(f"train_shape_file: is missing; {MAKES_IT}")
    path = Path(train_shape_file[0]).parent / f"{KEY}_stats.npz"
    if not path.is_file():
        raise ValueError(f"{path}: is missing; {MAKES_IT}")
    if not zipfile.is_zipfile(path):  # looks at the end only
        raise ValueError(f"{path}: is damaged (no whole .npz); {MAKES_IT}")
    return path


def read_statistics(path: Path) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation, each (bins,), float64.

    mean = sum / count, std^2 = sum of squares / count - mean^2. A bin that never
    varies has 1, so that it is shifted only.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        with np.load(path) as file:
            count, total, squares = (
                torch.as_tensor(file[name], dtype=torch.float64)
                for name in ("count", "sum", "sum_square")
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: is damaged ({error}); {MAKES_IT}") from None
    mean, power = total / count, squares / count
    variance = power - mean.square()
    varies = variance > 1e-10 * power  # less is rounding
    return mean, torch.where(varies, variance, torch.ones_like(mean)).sqrt()


def load_statistics(separator: GlobalMVNBLSTM, path: Path) -> None:
    """Give a separator that normalises the statistics of a file.

    Raises:
        ValueError: the file is damaged, or of another number of bins.
    """
    mean, std = read_statistics(path)
    if mean.shape != separator.mean.shape:
        raise ValueError(
            f"{path}: has {mean.numel()} frequency bins, enh_encoder "
            f"{separator.mean.numel()}; {MAKES_IT}"
        )
    separator.set_statistics(mean, std)
