"""Which of the numbers that upstream's enhancement scoring writes are scores."""

import math

NO_STOI = 1e-5 * 100  # what pystoi returns for too few frames, in per cent


def is_score(metric: str, value: float) -> bool:
    """Return whether ``value`` is a score and not a sign that there is none.

    PESQ below 0 is an error code, STOI of 0.001 % stands for too few frames; what is
    infinite or undefined is a score of no metric.
    """
    if metric.startswith("PESQ"):
        return math.isfinite(value) and value >= 0
    if metric in ("STOI", "ESTOI"):
        return math.isfinite(value) and value != NO_STOI
    return math.isfinite(value)
