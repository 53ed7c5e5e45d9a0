"""Whether a loss was computed under reentrant activation checkpointing."""

from torch import Tensor

# PyTorch's and fairscale's functions have this name.
NODE = "CheckpointFunctionBackward"


def check_not_reentrant(loss: Tensor) -> None:
    """Raise ValueError if a part of the graph is recomputed in a graph of its own.

    Only a whole backward pass finds the gradients of parameters in there;
    ``torch.autograd.grad``, with which the losses are told apart, does not see them.
    """
    seen = set()
    waiting = [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name() == NODE:
            raise ValueError(
                "the SE loss is computed under reentrant activation checkpointing, "
                "which hides its gradients; call torch.utils.checkpoint.checkpoint "
                "with use_reentrant=False"
            )
        waiting.extend(following for following, _ in node.next_functions)
