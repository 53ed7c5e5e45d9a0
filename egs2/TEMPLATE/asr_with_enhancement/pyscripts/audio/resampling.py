"""Change of the sampling rate; apart from ``audio_io`` because torch loads slowly."""

import numpy as np
import torch
import torchaudio


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Samples at the new rate: ``ceil(n * new_rate / rate)`` of them, float64."""
    if rate == new_rate:
        return samples
    wave = torch.from_numpy(np.ascontiguousarray(samples))
    return torchaudio.functional.resample(wave, rate, new_rate).numpy()
