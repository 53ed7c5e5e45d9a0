"""The gradients of one accumulation window, from micro-batches to ``.grad``."""

import dataclasses
from collections.abc import Callable

from torch import Tensor

from espnet2.train.gradient_averaging import start_sum_over_ranks
from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_surgery import (
    Gradients,
    Surgery,
    combine,
    named_gradients,
)
from espnet2.train.reentrant import check_not_reentrant


@dataclasses.dataclass
class GradientWindow:
    """Add up the gradients of two losses; at the window's end combine them in place.

    The ASR gradients, and SE gradients of parameters that are not shared, add up in
    ``.grad``, where upstream's loop expects them; the SE gradients of shared parameters
    are kept beside. At the end there is one collective for each of the two, and that of
    the SE gradients runs while the last ASR backward pass does.

    Attributes:
        parameters: all trainable parameters by name.
        groups: {prefix: names} of the shared ones.
        method: what decides how the two gradients are combined.
        distributed: whether gradients are to be summed over the ranks.
    """

    parameters: dict[str, Tensor]
    groups: dict[str, list[str]]
    method: GradientMethod
    distributed: bool

    def __post_init__(self) -> None:
        shared = [name for names in self.groups.values() for name in names]
        self.shared = {name: self.parameters[name] for name in shared}
        self.enh_grads: Gradients = {}
        self._wait_enh: Callable[[], Gradients] = dict
        self._is_checked = False

    def add(self, loss_enh: Tensor | None, loss_asr: Tensor, is_last: bool) -> None:
        """Run the backward passes of a micro-batch, the window's last one or not.

        The losses are scalars, that of SE None where this rank's micro-batch has none.
        """
        if not self.method.separates:
            if loss_enh is not None and self.method.wants_enh:
                loss_asr = loss_asr + loss_enh
            _backward(loss_asr)
            return
        if loss_enh is not None and loss_enh.requires_grad:
            self._add_enh_grads(loss_enh)
        if is_last:
            self._start_enh_sum()
        _backward(loss_asr)

    def _add_enh_grads(self, loss_enh: Tensor) -> None:
        if not self._is_checked:
            check_not_reentrant(loss_enh)
            self._is_checked = True
        grads = named_gradients(loss_enh, self.parameters, retain_graph=True)
        if not grads.keys() & self.shared.keys():
            raise ValueError(
                f"shared_params: {', '.join(self.groups)}: the SE loss has no gradient "
                "there; name the SE module's parameters, such as [enh_model]"
            )
        for name, grad in grads.items():
            if name in self.enh_grads:
                self.enh_grads[name].add_(grad)
            elif name in self.shared:
                self.enh_grads[name] = grad
            elif self.method.wants_enh:
                self._add_to_grad(name, grad)

    def _start_enh_sum(self) -> None:
        """Hand this window's SE gradients to the ranks, and start the next window."""
        grads, self.enh_grads = self.enh_grads, {}
        if self.distributed:
            self._wait_enh = start_sum_over_ranks(grads, self.shared)
        else:
            self._wait_enh = lambda: grads

    def finish(self, scale: Tensor | None) -> Surgery:
        """Leave the combined gradients in ``.grad``; see ``combine``.

        Raises:
            ValueError: the ASR loss reaches no shared parameter that the SE loss does.
        """
        asr_grads = self._in_grad()
        if self.distributed:
            asr_grads = start_sum_over_ranks(asr_grads, self.parameters)()
        enh_grads = self._wait_enh()
        self._wait_enh = dict  # or it would keep them until the next window's end
        surgery = combine(enh_grads, asr_grads, self.groups, self.method, scale)
        if enh_grads and surgery.decision is None:
            raise ValueError(
                f"shared_params: {', '.join(self.groups)}: the ASR loss has no "
                "gradient there, so that it cannot train what the SE loss trains. "
                "Perhaps the recogniser's front end keeps no path for gradients, or "
                "they lie behind its input"
            )
        for name, grad in surgery.gradients.items():
            self.parameters[name].grad = grad
        return surgery

    def take(self) -> Gradients:
        """Return what is in ``.grad`` and empty it."""
        taken = self._in_grad()
        for name in taken:
            self.parameters[name].grad = None
        return taken

    def put_back(self, taken: Gradients) -> None:
        """Add what ``take`` returned to ``.grad``."""
        for name, grad in taken.items():
            self._add_to_grad(name, grad)

    def _in_grad(self) -> Gradients:
        named = self.parameters.items()
        return {name: p.grad for name, p in named if p.grad is not None}

    def _add_to_grad(self, name: str, grad: Tensor) -> None:
        parameter = self.parameters[name]
        parameter.grad = grad if parameter.grad is None else parameter.grad.add_(grad)


def _backward(loss: Tensor) -> None:
    """Run the backward pass, if the loss reaches a parameter at all."""
    if loss.requires_grad:
        loss.backward()
