"""Chooses the torch to install: by its version, by CUDA's, or by this machine's driver.

    choose_torch.py [--torch 2.6.0] [--cuda 12.4] FOLDER

writes into FOLDER the requirements and pins of this folder for that torch. Nothing
given, what ``venv`` was made with stays; else the driver decides, and without one
requirements.in. It runs before there is a venv, so with the standard library alone.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = ("requirements.in", "constraints.txt", "large_recognisers.txt")

# For which CUDA PyPI's wheel of a torch is: its nvidia-cuda-runtime requirement.
CUDA_OF = {
    "2.6.0": (12, 4),
    "2.7.1": (12, 6),
    "2.8.0": (12, 8),
    "2.9.1": (12, 8),
    "2.10.0": (12, 8),
    "2.11.0": (13, 0),
}
# The driver branch that came with a CUDA; CUDA 12.4 has CUDA 12's oldest, which will do
# (docs.nvidia.com/deploy/cuda-compatibility, minor version compatibility).
DRIVER_OF = {(12, 4): 525, (12, 6): 560, (12, 8): 570, (13, 0): 580}
# What torch pins itself, for its own CUDA.
TORCHS_OWN = re.compile(r"(nvidia|cuda)-[\w-]+==|(triton|sympy)==")
MARK = "# chosen: torch "


def named(torch: str) -> str:
    """A torch and its CUDA in words."""
    major, minor = CUDA_OF[torch]
    return f"{torch} (CUDA {major}.{minor})"


def known() -> str:
    """The table in words, for messages."""
    return f"torch on PyPI: {', '.join(map(named, CUDA_OF))}"


def parse_cuda(text: str) -> tuple[int, int]:
    """Return "12.4" or "12.4.1" as (12, 4)."""
    found = re.fullmatch(r"(\d+)\.(\d+)(\.\d+)*", text)
    if found is None:
        raise ValueError(f"CUDA={text}: expected a version such as 12.4")
    return int(found[1]), int(found[2])


def runs_on(torch: str, cuda: tuple[int, int]) -> bool:
    """Whether a driver for ``cuda`` runs ``torch``: it is no newer, or CUDA 12's first.

    Releases of CUDA 12 before 12.4 run what is for 12.4, as of one major version.
    """
    wanted = CUDA_OF[torch]
    return wanted <= cuda or (wanted == min(CUDA_OF.values()) and wanted[0] == cuda[0])


def by_request(torch: str, cuda: str) -> str:
    """Return the torch that was asked for: itself, or the newest that CUDA runs.

    Raises:
        ValueError: there is none; the message has the table.
    """
    if torch and torch not in CUDA_OF:
        raise ValueError(f"TORCH_VERSION={torch}: not one of {known()}")
    if not cuda:
        return torch
    fitting = [v for v in CUDA_OF if runs_on(v, parse_cuda(cuda))]
    if torch and torch not in fitting:
        raise ValueError(f"TORCH_VERSION={torch} is not for CUDA={cuda}; {known()}")
    if not fitting:
        raise ValueError(f"CUDA={cuda}: none is for it; {known()}")
    return torch or fitting[-1]


def driver_version() -> int | None:
    """The major version of this machine's NVIDIA driver, or None."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"\d+", said)
    return int(found[0]) if found else None


def by_driver(driver: int, default: str) -> str:
    """Return ``default`` where the driver runs it, else the newest torch that it runs.

    ``default`` too where none runs: training is on the CPU then.
    """
    fitting = [v for v, cuda in CUDA_OF.items() if DRIVER_OF[cuda] <= driver]
    return default if default in fitting or not fitting else fitting[-1]


def pinned(text: str, torch: str) -> str:
    """Return requirements with this torch and torchaudio, without torch's own pins."""
    lines = [line for line in text.splitlines() if not TORCHS_OWN.match(line)]
    text = "".join(f"{line}\n" for line in lines)
    return re.sub(r"^(torch|torchaudio)==[\w.]+", rf"\g<1>=={torch}", text, flags=re.M)


def _chosen(text: str) -> str | None:
    found = re.search(f"^{MARK}(.*)$", text, re.M)
    return found and found[1]


def choose(torch: str, cuda: str, default: str, stamp: str) -> tuple[str, str]:
    """Return the torch to install, and a line to tell or "".

    Args:
        torch: version asked for, or "".
        cuda: version of CUDA asked for, or "".
        default: the torch of requirements.in.
        stamp: what the present venv was made from, or "".
    """
    if torch or cuda:
        version = by_request(torch, cuda)
        return version, f"torch {named(version)}"
    if kept := _chosen(stamp):
        return kept, ""
    driver = driver_version()
    if driver is None or driver >= DRIVER_OF[CUDA_OF[default]]:
        return default, ""
    version = by_driver(driver, default)
    if version == default:
        return version, f"NVIDIA driver {driver} is too old for {known()}: CPU only"
    return version, (
        f"torch {named(version)} in place of {default}, which wants NVIDIA driver "
        f"{DRIVER_OF[CUDA_OF[default]]}; here is {driver}"
    )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", default="", help="version of torch")
    parser.add_argument("--cuda", default="", help="version of CUDA")
    parser.add_argument("folder", type=Path, help="where the files are written")
    args = parser.parse_args()
    texts = {name: (HERE / name).read_text(encoding="utf-8") for name in FILES}
    default = re.findall(r"^torch==([\w.]+)", texts["requirements.in"], re.M)[0]
    stamp = HERE / "venv/.complete"
    made_from = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
    try:
        torch, told = choose(args.torch, args.cuda, default, made_from)
    except ValueError as error:
        sys.exit(f"choose_torch.py: {error}")
    if told:
        print(told)
    for name, text in texts.items():
        if torch != default:
            text = f"{MARK}{torch}\n{pinned(text, torch)}"
        (args.folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
