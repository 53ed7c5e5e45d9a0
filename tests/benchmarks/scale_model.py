"""Formulas for a training step on many GPUs, and the assumed hardware."""

from typing import NamedTuple


class GPU(NamedTuple):
    """What one GPU is assumed to reach: part of an H100's datasheet, not measured.

    Attributes:
        tflops: float32 products, half of the 67 TFLOP/s of the datasheet.
        tf32_tflops: the same with ``--use_tf32 true``, a quarter of the 495 (dense).
        gb_per_s: memory, three quarters of the 3350 GB/s.
        operation_us: time in which the host starts one operation of PyTorch.
    """

    tflops: float = 33.0
    tf32_tflops: float = 120.0
    gb_per_s: float = 2500.0
    operation_us: float = 10.0


class Fabric(NamedTuple):
    """GPUs and what connects them; ``gb_per_s`` is NCCL's bus bandwidth.

    The latencies are those of a ring in NCCL's own model: of a call, of a step between
    two GPUs of a machine, and of a step between machines.
    """

    title: str
    ranks: int
    machines: int
    gb_per_s: float
    call_us: float = 8.4
    inner_us: float = 3.4
    outer_us: float = 9.6


class Parts(NamedTuple):
    """What was counted for one GPU's micro-batch: operations, FLOP and bytes."""

    se_bytes: int
    all_bytes: int
    rnn_bytes: int
    kept_bytes: int
    forward: tuple[int, float]
    se_backward: tuple[int, float]
    asr_backward: tuple[int, float]
    rnn_backward_flop: float
    surgery: dict[str, tuple[int, int]]


class Step(NamedTuple):
    """Milliseconds of a step: computing, and waiting for collectives."""

    compute: float
    exposed: float


def ring_ms(n_bytes: float, fabric: Fabric, calls: int = 1) -> float:
    """Return the time of ring all-reduces that sum ``n_bytes`` in so many calls.

    Each rank sends and receives 2 (n - 1) / n of the bytes in 2 (n - 1) steps, of which
    2 (m - 1) go from one of m machines to the next.
    """
    if fabric.ranks == 1:
        return 0.0
    steps, outer = 2 * (fabric.ranks - 1), 2 * (fabric.machines - 1)
    latency_us = fabric.call_us + (steps - outer) * fabric.inner_us
    latency_us += outer * fabric.outer_us
    moved = steps / fabric.ranks * n_bytes
    return moved / fabric.gb_per_s / 1e6 + calls * latency_us / 1e3


def exposed_ms(communication: float, backward: float) -> float:
    """Return what of a collective is left when the backward pass beside it ends."""
    return max(0.0, communication - backward)


def busy_ms(operations: float, flop: float, n_bytes: float, gpu: GPU) -> float:
    """Return the time of queued work: that of the GPU or of the host that starts it."""
    device = flop / gpu.tflops / 1e9 + n_bytes / gpu.gb_per_s / 1e6
    return max(device, operations * gpu.operation_us / 1e3)


def stock_step(
    parts: Parts, gpu: GPU, fabric: Fabric, accum: int, buckets: int
) -> Step:
    """Return the step of upstream's loop, in which DDP sums at every micro-batch.

    cuDNN gives the gradients of all recurrent layers at once, at the end of the
    backward pass: their buckets are exposed; the others run beside what comes before.
    """
    operations, flop = _added(parts.forward, parts.asr_backward)
    # Into the buckets and back, read and written
    copied = 4 * parts.all_bytes * (fabric.ranks > 1)
    late = round(buckets * parts.rnn_bytes / parts.all_bytes)
    early = ring_ms(parts.all_bytes - parts.rnn_bytes, fabric, buckets - late)
    operations_back, flop_back = parts.asr_backward
    before = busy_ms(operations_back, flop_back - parts.rnn_backward_flop, 0, gpu)
    waiting = exposed_ms(early, before) + ring_ms(parts.rnn_bytes, fabric, late)
    compute = busy_ms(accum * operations, accum * flop, accum * copied, gpu)
    return Step(compute, accum * waiting)


def our_step(
    parts: Parts, gpu: GPU, fabric: Fabric, accum: int, method: str | None
) -> Step:
    """Return our step; method None is the sum, which takes nothing apart.

    The SE gradients are summed beside the last ASR backward pass, all ASR gradients,
    the SE module's too, after it.
    """
    separates = method is not None
    passes = [parts.forward, parts.asr_backward, *[parts.se_backward] * separates]
    operations, flop = _added(*passes)
    extra, moved = parts.surgery[method] if separates else (0, 0)
    flat = parts.all_bytes + parts.se_bytes * separates
    moved += 2 * flat * (fabric.ranks > 1)  # into the flat buffers, read and written
    backward = busy_ms(*parts.asr_backward, 0, gpu)
    waiting = ring_ms(parts.all_bytes, fabric)
    if separates:
        waiting += exposed_ms(ring_ms(parts.se_bytes, fabric), backward)
    compute = busy_ms(accum * operations + extra, accum * flop, moved, gpu)
    return Step(compute, waiting)


def bandwidth_for(
    share: float, compute: float, n_bytes: float, fabric: Fabric
) -> float:
    """Return the bus GB/s at which an exposed all-reduce is ``share`` of the step.

    Infinite where its latency alone takes more.
    """
    left = compute * share / (1 - share) - ring_ms(0, fabric)
    moved = 2 * (fabric.ranks - 1) / fabric.ranks * n_bytes
    return moved / left / 1e6 if left > 0 else float("inf")


def _added(*passes: tuple[int, float]) -> tuple[int, float]:
    operations, flop = map(sum, zip(*passes, strict=True))
    return operations, flop
