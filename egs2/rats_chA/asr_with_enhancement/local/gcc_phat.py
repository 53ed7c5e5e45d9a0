"""The lag that is left between two recordings, by GCC-PHAT over several cuts.

Knapp and Carter, "The generalized correlation method for estimation of time delay",
1976: the cross-spectrum, whitened, has a peak at the lag, also where the channel has
bent the spectrum.
"""

from typing import NamedTuple

import numpy as np

BLOCK = 1 << 15  # samples of each cut that are used


class Lag(NamedTuple):
    """Samples by which the channel is late, and the peak over the RMS."""

    samples: int
    peak: float


def find_lag(cuts: list[tuple[np.ndarray, np.ndarray]], max_lag: int) -> Lag:
    """The lag, up to ``max_lag`` samples to either side, common to several cuts.

    The cuts are ``(source, channel)``, each (samples,), as long as one another. The lag
    has the largest value of their pooled correlation; of silence it is 0, as the peak.
    """
    cross = np.zeros(BLOCK + 1, dtype=complex)
    for source, channel in cuts:
        spectrum = np.fft.rfft(channel[:BLOCK].astype(float), 2 * BLOCK)
        cross += spectrum * np.fft.rfft(source[:BLOCK].astype(float), 2 * BLOCK).conj()
    size = np.abs(cross)
    if not size.any():
        return Lag(0, 0.0)
    whitened = np.divide(cross, size, out=np.zeros_like(cross), where=size > 0)
    correlation = np.fft.irfft(whitened)
    near = np.concatenate([correlation[-max_lag:], correlation[: max_lag + 1]])
    best = int(np.argmax(near))
    rms = float(np.sqrt(np.mean(correlation**2)))
    return Lag(best - max_lag, float(near[best]) / rms)
