"""The surgery on two given gradients: its time, its floor, and other ways' time."""

import torch
from measure import Case, host_syncs, interleaved_times
from networks import Network
from reference_loop import aggregate_tensors, loop_over_tensors
from torch import Tensor

from espnet2.train.gradient_remedy import GradientRemedy
from espnet2.train.gradient_surgery import Gradients, combine, named_gradients


def surgery_figures(
    network: Network, batch: dict[str, Tensor], rounds: int
) -> dict[str, float | None]:
    """Return the figures of ``combine`` on the gradients of one batch.

    The floor is the time to read both gradients of the shared parameters and to write
    one, at the rate at which a tensor of their size is copied (one read, one written).
    """
    enh_grads, asr_grads = _gradients(network, batch)
    cases = _cases(network, enh_grads, asr_grads)
    device = next(iter(enh_grads.values())).device
    times = interleaved_times(cases, rounds, device).median
    size = sum(grad.nbytes for grad in enh_grads.values())
    bytes_per_ms = 2 * size / times["copy"]
    floor = 3 * size / bytes_per_ms
    queued = times.get("queued")
    return {
        "copy_gb_per_s": bytes_per_ms / 1e6,
        "surgery_ms": times["surgery"],
        "surgery_floor_ms": floor,
        "surgery_over_floor": times["surgery"] / floor,
        "surgery_over_floor_queued": queued and queued / floor,
        "surgery_speedup_over_loop": times["loop"] / times["surgery"],
        "surgery_speedup_over_torchjd": times["torchjd"] / times["surgery"],
        "host_syncs": host_syncs(cases["surgery"], device),
    }


def _gradients(
    network: Network, batch: dict[str, Tensor]
) -> tuple[Gradients, Gradients]:
    """Return both losses' gradients of the shared parameters."""
    output = network.model(**batch)
    names = [name for group in network.groups.values() for name in group]
    shared = {name: network.parameters[name] for name in names}
    enh_grads = named_gradients(output["loss_enh"].sum(), shared, retain_graph=True)
    return enh_grads, named_gradients(output["loss_asr"].sum(), shared)


def _cases(network: Network, enh: Gradients, asr: Gradients) -> dict[str, Case]:
    """Return the surgery and its rivals; it works in place, hence on copies."""
    conf = network.method.conf
    aggregator = GradientRemedy(threshold=conf.threshold, max_stretch=conf.max_stretch)
    copies = [{n: g.clone() for n, g in grads.items()} for grads in (enh, asr)]
    source = torch.cat([grad.flatten() for grad in enh.values()])
    target = torch.empty_like(source)

    def refresh() -> None:
        for grads, mine in zip((enh, asr), copies, strict=True):
            torch._foreach_copy_(list(mine.values()), list(grads.values()))

    def surgery(_) -> object:
        return combine(*copies, network.groups, network.method)

    cases = {
        "surgery": Case(surgery, refresh),
        "loop": Case(lambda _: loop_over_tensors(*copies, conf.threshold), refresh),
        "torchjd": Case(lambda _: aggregate_tensors(*copies, aggregator), refresh),
        "copy": Case(lambda _: target.copy_(source), refresh),
    }
    if source.is_cuda:
        cases["queued"] = Case(surgery, refresh, queued=True)
    return cases
