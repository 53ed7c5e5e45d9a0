"""Change of the sampling rate."""

import numpy as np

from espnet2.data_dir.tables import log


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Samples at the new rate: ``ceil(n * new_rate / rate)`` of them, float64.

    Args:
        samples: (samples,) or (samples, channels).
        rate: theirs, Hz.
        new_rate: that is wanted, Hz.
    """
    if rate == new_rate:
        return samples
    import torch  # loads slowly, and is seldom needed
    import torchaudio

    wave = torch.from_numpy(np.ascontiguousarray(samples.T))
    return torchaudio.functional.resample(wave, rate, new_rate).numpy().T


def tell_resampling(name: str, rate: int, data_rate: int) -> None:
    """Say in a line that a recogniser of another rate (Hz) hears resampled speech."""
    if rate != data_rate:
        log(f"{name} is made for {rate} Hz: speech of {data_rate} Hz is resampled")
