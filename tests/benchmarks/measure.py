"""Time, peak memory and host synchronisations of a call; all that knows devices."""

import gc
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.profiler import ProfilerActivity, profile

WARM_UP = 2  # rounds that are not counted


class Case(NamedTuple):
    """A call to be timed, and what is done before it outside of the time.

    Attributes:
        run: the call; it is given what ``prepare`` returned.
        prepare: makes fresh inputs.
        queued: on CUDA, start while the device is still busy with other work, as it is
            within a training step, so that the time to launch kernels can hide.
    """

    run: Callable[[Any], Any]
    prepare: Callable[[], Any] = lambda: None
    queued: bool = False


class Times(NamedTuple):
    """Times in ms by the case's name; the fastest round is the least disturbed one."""

    median: dict[str, float]
    fastest: dict[str, float]


def interleaved_times(
    cases: dict[str, Case], rounds: int, device: torch.device
) -> Times:
    """Time the cases in rounds of A, B, ..., A, B, ...

    What disturbs the machine for a while thus meets all cases alike.
    """
    times: dict[str, list[float]] = {name: [] for name in cases}
    for index in range(WARM_UP + rounds):
        for name, case in cases.items():
            taken = _milliseconds(case, device)
            if index >= WARM_UP:
                times[name].append(taken)
    return Times(
        {name: statistics.median(values) for name, values in times.items()},
        {name: min(values) for name, values in times.items()},
    )


def _milliseconds(case: Case, device: torch.device) -> float:
    argument = case.prepare()
    if device.type == "cuda":
        return _cuda_milliseconds(case, argument)
    start = time.perf_counter()
    result = case.run(argument)
    stop = time.perf_counter()
    del result  # giving memory back is not part of the time
    return (stop - start) * 1e3


def _cuda_milliseconds(case: Case, argument: Any) -> float:
    start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    if case.queued:
        square = torch.ones(8192, 8192, device="cuda")
        for _ in range(2):  # 2e12 operations: tens of ms, more than launching takes
            torch.mm(square, square)
    start.record()
    result = case.run(argument)
    stop.record()
    torch.cuda.synchronize()
    del result
    return start.elapsed_time(stop)


def host_syncs(case: Case, device: torch.device) -> int | None:
    """Return how often the host waits for the device during a call; None on a CPU."""
    if device.type != "cuda":
        return None
    argument = case.prepare()
    torch.cuda.synchronize()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            case.run(argument)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("called a synchronizing" in str(w.message) for w in caught)


def peak_bytes(case: Case, device: torch.device) -> int:
    """Return the most memory that a call, made before, adds to what is held.

    On a CPU the profiler's record of every allocation is added up, since the resident
    set also shows what the allocator keeps and so differs from run to run.
    """
    argument = case.prepare()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        case.run(argument)
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    with profile(
        activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True
    ) as record:
        case.run(argument)
    return _peak_of_trace(record)


def _peak_of_trace(record: profile) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        record.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    changes = [event for event in events if event["name"] == "[memory]"]
    held = peak = 0
    for event in sorted(changes, key=lambda event: event["ts"]):
        held += event["args"]["Bytes"]
        peak = max(peak, held)
    return peak


def count_operations(call: Callable[[], Any], prefix: str) -> dict[str, int]:
    """Return {operation: calls} of those whose names begin with ``prefix``."""
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as record:
        call()
    found = record.key_averages()
    return {e.key: e.count for e in found if e.key.startswith(prefix)}
