"""Whole training steps: their time and their memory, remedied and stock."""

from collections.abc import Callable
from functools import partial

import torch
from measure import Case, interleaved_times, peak_bytes
from networks import Network, forget_last_graph
from torch import Tensor

from espnet2.train.two_gradient_module import TwoGradientModule

GRAD_CLIP = 5.0


def step_figures(
    network: Network, batch: dict[str, Tensor], rounds: int
) -> dict[str, float]:
    """Return the figures of a remedied step beside those of the stock step.

    The bound is what the method cannot do without: the stock step, and one backward
    pass of the SE loss through the SE module.
    """
    model, shared = network.model, network.shared
    module = TwoGradientModule(model, network.method, network.shared_params)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
    forget = partial(forget_last_graph, model)

    def forward() -> dict:
        forget()
        return model(**batch)

    def enh_backward(output: dict) -> tuple[Tensor, ...]:
        loss = output["loss_enh"].sum()
        return torch.autograd.grad(loss, shared, retain_graph=True)

    cases = {
        "stock_step": Case(lambda _: one_step(model, optimizer, batch), forget),
        "remedied_step": Case(lambda _: one_step(module, optimizer, batch), forget),
        "enh_backward": Case(enh_backward, forward),
    }
    device = shared[0].device
    times = interleaved_times(cases, rounds, device)
    remedied_peak, stock_peak = (
        peak_bytes(cases[name], device) for name in ("remedied_step", "stock_step")
    )
    extra = remedied_peak - stock_peak
    return {
        **{f"{name}_ms": time for name, time in times.median.items()},
        **_ratios(times.median),
        "fastest_step_over_bound": _ratios(times.fastest)["step_over_bound"],
        "peak_memory_extra_over_se_params": extra / sum(p.nbytes for p in shared),
    }


def _ratios(times: dict[str, float]) -> dict[str, float]:
    stock = times["stock_step"]
    ratio = times["remedied_step"] / stock
    bound = (stock + times["enh_backward"]) / stock
    return {
        "step_over_sum": ratio,
        "step_bound": bound,
        "step_over_bound": ratio / bound,
    }


def one_step(
    forward: Callable[..., dict],
    optimizer: torch.optim.Optimizer,
    batch: dict[str, Tensor],
) -> None:
    """Do what upstream's loop does in one step without mixed precision."""
    loss = forward(**batch)["loss"]
    loss.backward()
    del loss
    parameters = optimizer.param_groups[0]["params"]
    norm = torch.nn.utils.clip_grad_norm_(parameters, GRAD_CLIP)
    if torch.isfinite(norm):
        optimizer.step()
    optimizer.zero_grad()
