"""Change of the sampling rate."""

import numpy as np


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Samples at the new rate: ``ceil(n * new_rate / rate)`` of them, float64."""
    if rate == new_rate:
        return samples
    import torch  # loads slowly, and is seldom needed
    import torchaudio

    wave = torch.from_numpy(np.ascontiguousarray(samples))
    return torchaudio.functional.resample(wave, rate, new_rate).numpy()
