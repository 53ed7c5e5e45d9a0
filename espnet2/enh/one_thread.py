"""A small recurrent layer on one thread of the CPU.

With several, the threads meet at each step of time, thousands of times in a training
step, for work of microseconds. That gains next to nothing, and where another program
has the core of one thread, the others wait for it each time.
"""

from collections.abc import Callable

import torch
from torch import Tensor

# Multiplications in a step of time below which a second thread gains next to nothing.
SMALL_STEP = 2**21


def is_small(inputs: Tensor, weight_hh: Tensor) -> bool:
    """Tell whether a recurrent layer is better off with one thread.

    Args:
        inputs: (batch, time, input_size).
        weight_hh: (gates * hidden_size, hidden_size).
    """
    multiplications = inputs.shape[0] * weight_hh.numel()
    return inputs.device.type == "cpu" and multiplications < SMALL_STEP


def on_one_thread(layer: Callable[[], Tensor]) -> Tensor:
    """Return what ``layer`` gives; its forward and backward pass have one thread each.

    The backward pass is that of oneDNN's layer, an LSTM in float32. Where PyTorch has
    none it takes many operations, whose threads are left as they are.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        outputs = layer()
    finally:
        torch.set_num_threads(threads)
    node = _onednn_node(outputs)
    if node is not None and threads > 1:
        node.register_prehook(lambda *_: torch.set_num_threads(1))
        node.register_hook(lambda *_: torch.set_num_threads(threads))
    return outputs


def _onednn_node(outputs: Tensor) -> torch.autograd.graph.Node | None:
    """Return the layer's node of the graph, which a transposition may follow."""
    node = outputs.grad_fn
    if node is not None and "Transpose" in node.name():
        node = node.next_functions[0][0]
    return node if node is not None and "MkldnnRnn" in node.name() else None
