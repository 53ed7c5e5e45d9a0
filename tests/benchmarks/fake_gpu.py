"""What a GPU would be given to do, counted on a machine without one.

PyTorch's fake tensors have a device, a shape and a dtype, but no values. What wants a
value, for which the host would wait, raises.
"""

import contextlib
import weakref
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_surgery import combine

# Questions of the dispatcher; they start nothing on a device.
QUESTIONS = {"prim::device", "aten::promote_types"}


def authors_shapes(layers: int = 3) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the authors' SE network by name: 26 tensors."""
    with torch.device("meta"):
        parts = {
            "rnn": torch.nn.LSTM(257, 896, layers, bidirectional=True),
            "linear": torch.nn.Linear(2 * 896, 257),
        }
    return {
        f"{part}.{name}": tuple(parameter.shape)
        for part, module in parts.items()
        for name, parameter in module.named_parameters()
    }


class Operation(NamedTuple):
    """An operation of the device and the bytes that it reads and writes."""

    name: str
    n_bytes: int


class FakeGPU(TorchDispatchMode):
    """Lists what is given to the GPU, and the most bytes that it allocates.

    Attributes:
        operations: those that start something; views do not.
        converted: bytes of each tensor that was made of one of another dtype or device.
        peak: most bytes that were held at a time, what came from outside left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.converted: list[int] = []
        self.peak = self._held = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.is_view or func.name() in QUESTIONS:
            return result
        written = _written(func, args)
        made = written or _tensors(result)
        if any(tensor.device.type == "cuda" for tensor in made):
            n_bytes = sum(map(_touched, [*_tensors((args, kwargs)), *made]))
            self.operations.append(Operation(func.name(), n_bytes))
            if func.name().startswith("aten::_to_copy"):
                self.converted += [tensor.nbytes for tensor in made]
            if not written:
                self._allocate(made)
        return result

    def _allocate(self, tensors: list[Tensor]) -> None:
        for tensor in tensors:
            storage = tensor.untyped_storage()
            self._held += storage.nbytes()
            weakref.finalize(storage, self._free, storage.nbytes())
        self.peak = max(self.peak, self._held)

    def _free(self, n_bytes: int) -> None:
        self._held -= n_bytes


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _written(func: Any, args: tuple) -> list[Tensor]:
    """Return the tensors that the operation changes in place."""
    formal = zip(func._schema.arguments, args, strict=False)
    return _tensors([a for f, a in formal if f.alias_info and f.alias_info.is_write])


def _touched(tensor: Tensor) -> int:
    """Return the bytes of what lies in memory: once for a tensor made by ``expand``."""
    return min(tensor.nbytes, tensor.untyped_storage().nbytes())


def second_step(
    method: GradientMethod, shapes: dict[str, tuple[int, ...]], is_scaled: bool = False
) -> FakeGPU:
    """Return what the surgery of a training's second step gives to the GPU."""
    names = list(shapes)
    gpu = FakeGPU()
    with FakeTensorMode():
        scale = torch.tensor(1024.0, device="cuda") if is_scaled else None
        for mode in (contextlib.nullcontext(), gpu):
            enh, asr = (
                {
                    name: torch.empty(shape, device="cuda")
                    for name, shape in shapes.items()
                }
                for _ in range(2)
            )
            with mode:
                combine(enh, asr, {"enh_model": names}, method, scale)
    return gpu
