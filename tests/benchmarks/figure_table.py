"""The figures beside their targets, and where they were measured."""

import operator
import platform
import subprocess
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

Figures = dict[str, float | None]

COMPARE = {"<=": operator.le, ">=": operator.ge}
TARGETS = {
    "cpu": {
        "surgery_over_floor": ("<=", 2.0),
        "surgery_speedup_over_loop": (">=", 3.0),
        "step_over_bound": ("<=", 1.05),
        "log_over_step": ("<=", 0.005),
        "padded_rnn_speedup": (">=", 2.5),
        "padded_rnn_max_diff": ("<=", 1e-5),
    },
    "cuda": {
        "surgery_over_floor": ("<=", 1.5),
        "surgery_speedup_over_loop": (">=", 20.0),
        "host_syncs": ("<=", 0),
        "step_over_bound": ("<=", 1.03),
        "log_over_step": ("<=", 0.005),
        "peak_memory_extra_over_se_params": ("<=", 2.0),
    },
}


def machine(device: torch.device) -> dict[str, str | int | None]:
    """Return what the figures depend on besides the code."""
    on_cuda = device.type == "cuda"
    return {
        "device": device.type,
        "cpu": _cpu_model(),
        "gpu": torch.cuda.get_device_name() if on_cuda else None,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda if on_cuda else None,
        "python": platform.python_version(),
    }


def _cpu_model() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor()


def commit() -> str:
    """Return the commit, with ``-dirty`` after it where files were changed."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    folder = Path(__file__).parent
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def print_table(networks: dict[str, Figures], where: dict, version: str) -> None:
    """Print a row for each figure and a column for each network."""
    targets = TARGETS[where["device"]]
    details = ", ".join(f"{k} {v}" for k, v in where.items() if v is not None)
    table = Table("figure", "target", *networks, caption=f"commit {version}; {details}")
    for name in next(iter(networks.values())):
        relation, bound = targets.get(name, ("", None))
        cells = [_cell(f[name], relation, bound) for f in networks.values()]
        table.add_row(name, "" if bound is None else f"{relation} {bound:g}", *cells)
    Console().print(table)


def _cell(value: float | None, relation: str, bound: float | None) -> str:
    if value is None:
        return "-"
    text = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    if bound is None:
        return text
    is_met = COMPARE[relation](value, bound)
    return f"{text} [green]met[/]" if is_met else f"{text} [red]missed[/]"
