"""Counts what the authors' network does in a training step, on a CPU."""

from collections.abc import Callable
from typing import Any

import torch
from bench_gradient_remedy import VOCABULARY, WORKLOADS
from fake_gpu import second_step
from networks import AUTHORS_CONFIG, Network, build_network, noise_batch
from scale_model import Parts
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import GradientConf

METHODS = {
    "remedy": ("remedy", {"max_stretch": "dynamic"}),
    "one_way, smoothed": ("one_way", {"smoothing": 0.98}),
}
BATCH = WORKLOADS["authors", "cuda"]


def _rnn_flop(frames: tuple, *weights: tuple, factor: int) -> int:
    """Return 2 FLOP for each weight and frame, the backward pass's twice."""
    weight_ih, weight_hh = weights[:2]
    per_frame = sum(2 * rows * columns for rows, columns in (weight_ih, weight_hh))
    return factor * frames[0] * frames[1] * per_frame


# Of the recurrent layers on a CPU PyTorch's counter knows nothing.
RNN = torch.ops.aten.mkldnn_rnn_layer
RNN_BACKWARD = torch.ops.aten.mkldnn_rnn_layer_backward
RNN_FLOP = {
    RNN: lambda *shapes, **_: _rnn_flop(*shapes[:3], factor=1),
    RNN_BACKWARD: lambda *shapes, **_: _rnn_flop(*shapes[:3], factor=2),
}


class _Operations(TorchDispatchMode):
    """Counts operations that compute; views do not."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


def counted(call: Callable[[], Any]) -> tuple[Any, int, dict]:
    """Return what the call returns, its operations, and its FLOP by operation."""
    with (
        _Operations() as operations,
        FlopCounterMode(display=False, custom_mapping=RNN_FLOP) as flop,
    ):
        result = call()
    return result, operations.count, flop.get_flop_counts()["Global"]


def count_parts() -> Parts:
    """Return the parts of a micro-batch of ``BATCH.utterances`` x ``BATCH.seconds``.

    Counted on one utterance; FLOP and activations are those times the utterances.
    """
    device, vocabulary = torch.device("cpu"), VOCABULARY["authors"]
    network = build_network(AUTHORS_CONFIG, vocabulary, device)
    batch = noise_batch(1, BATCH.seconds, vocabulary, device)
    kept, (output, forward, forward_flop) = _kept(network, batch)
    parameters = list(network.parameters.values())
    passes = {}
    for loss in ("loss_enh", "loss_asr"):
        _, *passes[loss] = counted(
            lambda loss=loss: torch.autograd.grad(
                output[loss].sum(), parameters, retain_graph=True, allow_unused=True
            )
        )
    scaled = [
        (operations, BATCH.utterances * sum(flop.values()))
        for operations, flop in ((forward, forward_flop), *passes.values())
    ]
    return Parts(
        *_sizes(network),
        BATCH.utterances * kept,
        *scaled,
        BATCH.utterances * passes["loss_asr"][1][RNN_BACKWARD],
        {title: _surgery(network, *conf) for title, conf in METHODS.items()},
    )


def _sizes(network: Network) -> tuple[int, int, int]:
    """Return the bytes of the SE gradients, of all, and of the recurrent layers'."""
    sizes = {name: p.nbytes for name, p in network.parameters.items()}
    recurrent = sum(n for name, n in sizes.items() if ".nbrnn." in name)
    return sum(p.nbytes for p in network.shared), sum(sizes.values()), recurrent


def _kept(network: Network, batch: dict[str, Tensor]) -> tuple[int, tuple]:
    """Return the bytes that autograd keeps of a counted forward pass, and that pass."""
    weights = {p.untyped_storage().data_ptr() for p in network.parameters.values()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        found = counted(lambda: network.model(**batch))
    storages = [t.untyped_storage() for at, t in kept.items() if at not in weights]
    return sum(storage.nbytes() for storage in storages), found


def _surgery(network: Network, name: str, options: dict) -> tuple[int, int]:
    """Return the operations of the surgery, and the bytes that they read and write."""
    names = [name for group in network.groups.values() for name in group]
    shapes = {name: tuple(network.parameters[name].shape) for name in names}
    gpu = second_step(make_method(name, GradientConf(**options)), shapes)
    return len(gpu.operations), sum(operation.n_bytes for operation in gpu.operations)
