"""A module that hands upstream's training loop a loss with a gradient of our making.

Upstream's ``Trainer.train_one_epoch`` calls the model, takes its loss, and runs one
backward pass. This module runs the real model and returns the true loss, whose backward
pass takes the gradients of both losses, sums them over the accumulation window and the
ranks, and leaves their combination in ``.grad``. Accumulation, loss scaling, clipping,
the scheduler and logging stay upstream's.
"""

import contextlib
import functools
from collections.abc import Callable

import numpy as np
import torch
import torch._functorch.config as functorch_config
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DataParallel, DistributedDataParallel

from espnet2.train.gradient_decision import figures
from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_options import canonical_name, resolve_shared_params
from espnet2.train.gradient_window import GradientWindow


class _CallInBackward(torch.autograd.Function):
    """A value forward; backward a call with the gradient that comes in."""

    @staticmethod
    def forward(ctx, value: Tensor, anchor: Tensor, call: Callable[[Tensor], None]):
        ctx.call = call
        return value.clone()

    @staticmethod
    def backward(ctx, grad_output: Tensor):
        ctx.call(grad_output)
        return None, None, None


def trainable_parameters(
    model: torch.nn.Module,
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return {name: parameter} without repeats, and {any of its names: that name}."""
    named = [
        (canonical_name(name), parameter)
        for name, parameter in model.named_parameters(remove_duplicate=False)
        if parameter.requires_grad
    ]
    first: dict[Tensor, str] = {}
    for name, parameter in named:
        first.setdefault(parameter, name)
    standing = {name: first[parameter] for name, parameter in named}
    return {name: parameter for parameter, name in first.items()}, standing


class TwoGradientModule(torch.nn.Module):
    """Run a two-loss model; in the backward pass combine its gradients by name.

    Each task's gradients are summed over ``accum_grad`` calls and averaged over the
    ranks, weighed as upstream weighs the losses. Then, once for each optimizer step,
    the method decides, the same on every rank.

    Args:
        model: the model, or it in DistributedDataParallel. Its forward returns a dict
            with ``loss, stats, weight`` as upstream wants it and, besides, ``loss_enh``
            (or None) and ``loss_asr``, whose sum is ``loss``.
        method: what decides how the gradients are combined.
        shared_params: name prefixes of the parameters that both losses train, for a
            method that takes the gradients apart.
        accum_grad: micro-batches for each step, by which upstream divides the loss.
        scaler: the GradScaler of a mixed precision run, or None. The losses are scaled
            before the gradients are taken, the decisions do not depend on it, and what
            overflows stays non-finite on all ranks, so that the step is skipped.
        report: is given the names and figures (n, 5) of every decision.

    Raises:
        ValueError: a prefix matches no trainable parameter, or the model is wrapped in
            something that averages gradients where they cannot be told apart.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        method: GradientMethod,
        shared_params: list[str],
        accum_grad: int = 1,
        scaler: torch.amp.GradScaler | None = None,
        report: Callable[[list[str], np.ndarray], None] = lambda names, values: None,
    ) -> None:
        super().__init__()
        if isinstance(model, DataParallel):
            raise ValueError(
                "gradient_method needs one process for each GPU: set "
                "--multiprocessing_distributed true instead of DataParallel"
            )
        self.module = model
        self.distributed = isinstance(model, DistributedDataParallel)
        self.trainable, names = trainable_parameters(
            model.module if self.distributed else model
        )
        self.window = GradientWindow(
            self.trainable,
            resolve_shared_params(shared_params, names) if method.separates else {},
            method,
            self.distributed,
        )
        self.per_batch = method.conf.per_batch
        self.accum_grad = accum_grad
        self.scaler = scaler
        self.report = report
        self.calls = 0
        # Only what depends on something that needs a gradient has a backward pass.
        self.anchor = torch.zeros((), requires_grad=True)
        if any(map(_is_compiled, model.modules())):
            # What the compiler frees in the first backward pass the second one needs.
            functorch_config.donated_buffer = False

    def forward(self, **batch) -> dict:
        """Return what the model returns; its loss's backward pass sets ``.grad``."""
        with self.module.no_sync() if self.distributed else contextlib.nullcontext():
            output = self.module(**batch)
        if self.distributed:
            # no_sync turns off the broadcast of buffers (BatchNorm's statistics) too.
            self.module.require_forward_param_sync = True
        loss = _CallInBackward.apply(
            output["loss"].detach(),
            self.anchor,
            functools.partial(self._backward, output),
        )
        return {"loss": loss, "stats": output["stats"], "weight": output["weight"]}

    def _backward(self, output: dict, grad_output: Tensor) -> None:
        """Add a micro-batch's gradients; finish the step if it is the window's last.

        ``grad_output`` is what upstream multiplies this rank's loss by: the loss scale,
        over ``accum_grad``, times the rank's share of the batch, times the ranks.
        """
        # Here, since upstream's drawing of the graph calls forward alone.
        self.calls += 1
        ranks = dist.get_world_size() if self.distributed else 1
        factor = grad_output.sum() / ranks
        is_last = self.per_batch or self.calls % self.accum_grad == 0
        before = self.window.take() if self.per_batch else {}
        loss_enh, loss_asr = output["loss_enh"], output["loss_asr"]
        device = factor.device.type
        with torch.enable_grad(), torch.autocast(device, enabled=False):
            loss_enh = None if loss_enh is None else loss_enh.sum() * factor
            self.window.add(loss_enh, loss_asr.sum() * factor, is_last)
            if is_last:
                surgery = self.window.finish(self._scale(factor))
                if surgery.decision is not None:
                    self.report(surgery.names, figures(surgery.decision))
        self.window.put_back(before)

    def _scale(self, like: Tensor) -> Tensor | None:
        """Return the loss scale of mixed precision (0-dim, no sync), None without."""
        if self.scaler is None or not self.scaler.is_enabled():
            return None
        return self.scaler.scale(torch.ones_like(like))


def _is_compiled(module: torch.nn.Module) -> bool:
    """Tell torch.compile(module), and a module whose compile() was called."""
    return "_orig_mod" in module._modules or module._compiled_call_impl is not None
