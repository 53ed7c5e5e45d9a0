"""The states of all random number generators of a process, as plain data."""

import random

import numpy as np
import torch


def random_states() -> dict:
    """Return the states of Python, NumPy, PyTorch and the current CUDA device.

    The values are tuples, numbers and tensors, which ``torch.load`` takes with
    ``weights_only=True``.
    """
    name, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (str(name), torch.from_numpy(keys.astype(np.int64)), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
    }


def set_random_states(states: dict) -> None:
    """Put the generators into the states that ``random_states`` returned."""
    random.setstate(states["python"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
