"""Change of the sampling rate."""

import numpy as np
import soxr

from espnet2.data_dir.tables import log


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Samples at the new rate: ``ceil(n * new_rate / rate)`` of them, of their dtype.

    Args:
        samples: (samples,) or (samples, channels), float32 or float64.
        rate: theirs, Hz.
        new_rate: that is wanted, Hz.
    """
    if rate == new_rate:
        return samples
    count = -(-len(samples) * new_rate // rate)
    changed = soxr.resample(samples, rate, new_rate)[:count]
    missing = [(0, count - len(changed)), *[(0, 0)] * (samples.ndim - 1)]
    return np.pad(changed, missing)


def tell_resampling(name: str, rate: int, data_rate: int) -> None:
    """Say in a line that a recogniser of another rate (Hz) hears resampled speech."""
    if rate != data_rate:
        log(f"{name} is made for {rate} Hz: speech of {data_rate} Hz is resampled")
