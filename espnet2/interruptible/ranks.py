"""Whether the ranks agree: what each calls, also where there is only one."""

import torch
import torch.distributed as dist


def this_rank() -> int:
    """Return this process's number, 0 where it is the only one."""
    return dist.get_rank() if dist.is_initialized() else 0


def of_all_ranks(mine: object) -> list:
    """Return what each rank has given here, by rank."""
    if not dist.is_initialized():
        return [mine]
    gathered = [None] * dist.get_world_size()
    dist.all_gather_object(gathered, mine)
    return gathered


def any_rank(mine: bool, device: str) -> bool:
    """Tell whether it holds on any rank; the flag travels on ``device``."""
    if not dist.is_initialized():
        return mine
    flag = torch.tensor(int(mine), device=device)
    dist.all_reduce(flag, dist.ReduceOp.MAX)
    return bool(flag)
