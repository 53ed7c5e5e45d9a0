"""How many collectives one optimizer step makes, remedied and stock."""

import copy
from collections.abc import Callable

import torch.distributed as dist
from measure import count_operations
from networks import Network, forget_last_graph
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from espnet2.train.two_gradient_module import TwoGradientModule


def collective_figures(
    network: Network, batch: dict[str, Tensor], accum_grads: tuple[int, ...] = (1, 4)
) -> dict[str, int]:
    """Return the collectives between the first forward and the last backward pass.

    They are counted on a CPU in a group of one process, where DistributedDataParallel
    makes the same calls as among many. Those that upstream's loop makes by itself lie
    outside; the broadcasts of buffers, the same for both, are left out.
    """
    forget_last_graph(network.model)
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        model = DistributedDataParallel(copy.deepcopy(network.model).cpu())
        batch = {name: value.cpu() for name, value in batch.items()}
        model(**batch)["loss"].backward()  # after the first, the buckets are final
        figures = {}
        for steps in accum_grads:
            module = TwoGradientModule(
                model, network.method, network.shared_params, steps
            )
            figures[f"collectives_per_step_accum{steps}"] = _count(module, batch, steps)
            figures[f"stock_collectives_per_step_accum{steps}"] = _count(
                model, batch, steps
            )
    finally:
        dist.destroy_process_group()
    return figures


def _count(forward: Callable[..., dict], batch: dict[str, Tensor], steps: int) -> int:
    """Return the number of collectives in one accumulation window."""

    def window() -> None:
        for _ in range(steps):
            (forward(**batch)["loss"] / steps).backward()

    counts = count_operations(window, "c10d::")
    return sum(n for name, n in counts.items() if name != "c10d::broadcast_")
