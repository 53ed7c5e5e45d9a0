"""A module that hands upstream's training loop a loss with a gradient of our making.

Upstream's ``Trainer.train_one_epoch`` calls the model, takes its loss, and runs one
backward pass. This module runs the real model, takes the gradients of both losses,
combines them, and returns the true loss value tied to the combined gradient, so that
accumulation, loss scaling, clipping, the scheduler and logging stay upstream's.
"""

import contextlib

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DataParallel, DistributedDataParallel

from espnet2.train.gradient_averaging import average_over_ranks
from espnet2.train.gradient_options import GradientConf, resolve_shared_params
from espnet2.train.gradient_surgery import (
    Gradients,
    combine,
    named_gradients,
)


class _AttachGradients(torch.autograd.Function):
    """The loss's value forward; given gradients, times a factor, backward."""

    @staticmethod
    def forward(ctx, loss: Tensor, factor, gradients: list, *parameters: Tensor):
        ctx.factor, ctx.gradients = factor, gradients
        return loss.clone()

    @staticmethod
    def backward(ctx, grad_output: Tensor):
        factor = grad_output.squeeze() if ctx.factor is None else ctx.factor
        return None, None, None, *torch._foreach_mul(ctx.gradients, factor)


def attach_gradients(
    loss: Tensor,
    gradients: Gradients,
    parameters: dict[str, Tensor],
    factor: Tensor | None = None,
) -> Tensor:
    """Return ``loss``'s value; its derivative by each named parameter is as given.

    The derivative is multiplied by what comes in from behind, as always, or instead by
    ``factor`` (0-dim).
    """
    # Detached, or the backward pass would walk into the freed graph of the losses.
    return _AttachGradients.apply(
        loss.detach(),
        factor,
        list(gradients.values()),
        *(parameters[name] for name in gradients),
    )


class TwoGradientModule(torch.nn.Module):
    """Run a two-loss model and combine its two gradients by parameter name.

    The surgery is done at every call, on gradients averaged over the ranks. With
    ``accum_grad`` > 1 each micro-batch is treated on its own and the results are summed
    by upstream's loop, as in the authors' code.

    Args:
        model: the model, or it in DistributedDataParallel. Its forward returns a dict
            with ``loss, stats, weight`` as upstream wants it and, besides, ``loss_enh``
            (or None) and ``loss_asr``, whose sum is ``loss``.
        method: "remedy", "sum" or "asr_only".
        conf: options of the remedy.
        shared_params: name prefixes of the parameters that both losses train.
        accum_grad: micro-batches for each step, by which upstream divides the loss.
        scaler: the GradScaler of a mixed precision run, or None. Losses are scaled
            before the gradients are taken, and the gradients unscaled before the
            decision; what overflows stays non-finite and the step is skipped.

    Raises:
        ValueError: a prefix matches no trainable parameter, or the model is wrapped in
            DataParallel, which hides the gradients of its replicas.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        method: str,
        conf: GradientConf,
        shared_params: list[str],
        accum_grad: int = 1,
        scaler: torch.amp.GradScaler | None = None,
    ) -> None:
        super().__init__()
        if isinstance(model, DataParallel):
            raise ValueError(
                "gradient_method needs one process for each GPU: set "
                "--multiprocessing_distributed true instead of DataParallel"
            )
        self.module = model
        self.distributed = isinstance(model, DistributedDataParallel)
        named = (model.module if self.distributed else model).named_parameters()
        self.trainable = {name: p for name, p in named if p.requires_grad}
        self.groups = resolve_shared_params(shared_params, list(self.trainable))
        self.method = method
        self.conf = conf
        self.accum_grad = accum_grad
        self.scaler = scaler
        self.last_loss: Tensor | None = None

    def forward(self, **batch) -> dict:
        """Return what the model returns, its loss tied to the combined gradient."""
        with self.module.no_sync() if self.distributed else contextlib.nullcontext():
            output = self.module(**batch)
        if self.distributed:
            # no_sync turns off the broadcast of buffers (BatchNorm's statistics) too.
            self.module.require_forward_param_sync = True
        self.last_loss = output["loss"].detach()
        with torch.autocast(self.last_loss.device.type, enabled=False):
            enh_grads, asr_grads = self._task_gradients(output)
            factor = None
            if self.distributed:
                share = _share_of_batch(output["weight"])
                enh_grads = average_over_ranks(enh_grads, self.trainable, share)
                asr_grads = average_over_ranks(asr_grads, self.trainable, share)
                # Upstream's factor is another on every rank; with it the ranks would
                # drift apart by round-off.
                factor = self._scale(self.last_loss) / self.accum_grad
            surgery = combine(enh_grads, asr_grads, self.groups, self.method, self.conf)
            loss = attach_gradients(
                self.last_loss, surgery.gradients, self.trainable, factor
            )
        statistics = {k: v.float().reshape(1) for k, v in surgery.statistics.items()}
        stats = {**output["stats"], **statistics}
        return {"loss": loss, "stats": stats, "weight": output["weight"]}

    def _scale(self, like: Tensor) -> Tensor:
        """Return the loss scale of mixed precision, 1 without (0-dim, no sync)."""
        one = torch.ones((), dtype=like.dtype, device=like.device)
        return one if self.scaler is None else self.scaler.scale(one)

    def _task_gradients(self, output: dict) -> tuple[Gradients, Gradients]:
        """Return the unscaled SE and ASR gradients of this rank."""
        scale = self._scale(self.last_loss)

        def gradients(loss: Tensor, retain_graph: bool) -> Gradients:
            grads = named_gradients(loss.sum() * scale, self.trainable, retain_graph)
            if self.scaler is None:
                return grads
            return {name: grad / scale for name, grad in grads.items()}

        loss_enh = output["loss_enh"]
        enh = {} if loss_enh is None else gradients(loss_enh, retain_graph=True)
        return enh, gradients(output["loss_asr"], retain_graph=False)


def _share_of_batch(weight: Tensor) -> Tensor:
    """Return this rank's part of the utterances of all ranks (0-dim float)."""
    local = weight.sum().float()
    total = local.clone()
    dist.all_reduce(total)
    return local / total
