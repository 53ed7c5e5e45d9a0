"""Reports what this Python offers the recipes, or what it lacks to be installed for.

``--before-install`` looks, with the standard library alone, for what the install
needs: espnet brings pyworld, and scoring brings pesq, which are compiled here.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.in"
MAIN_PACKAGES = ("espnet", "torch", "torchaudio", "torchjd", "librosa", "numpy")
# The oldest and the newest version that are tested: docs/compat.md. Also in setup.py.
TESTED = {"espnet": ("202412", "202611"), "torch": ("2.6", "2.11")}
FOR_DEVELOPERS = "# Tests, checks and packaging"  # heads the last part of that file
COMPILERS = {"CC": "C compiler", "CXX": "C++ compiler"}


def compiler(variable: str) -> str:
    """The program that compiles extensions: ``$CC``/``$CXX``, else Python's own."""
    command = os.environ.get(variable) or sysconfig.get_config_var(variable) or "cc"
    return shlex.split(command)[0]


def missing_for_install() -> list[str]:
    """One line for each thing the install needs and this machine lacks."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    missing = []
    absent = [name for name in COMPILERS if shutil.which(compiler(name)) is None]
    if absent:
        programs = ", ".join(f"no {COMPILERS[v]} ({compiler(v)})" for v in absent)
        missing.append(
            f"{programs}: install gcc and g++ (Debian, Ubuntu: apt-get install "
            f"build-essential) or set {' and '.join(absent)}"
        )
    headers = Path(sysconfig.get_paths()["include"])
    if not (headers / "Python.h").is_file():
        missing.append(
            f"no Python headers ({headers / 'Python.h'}): install them (Debian, "
            f"Ubuntu: apt-get install python{version}-dev)"
        )
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        missing.append(
            f"{sys.executable} lacks the module venv or ensurepip: install it "
            f"(Debian, Ubuntu: apt-get install python{version}-venv)"
        )
    return missing


def absent_packages(requirements: Path = REQUIREMENTS) -> tuple[list[str], list[str]]:
    """The packages that ``requirements`` names and this Python does not have.

    Returns:
        those that the recipes need; and those named below `FOR_DEVELOPERS`, which tests
        and packaging alone need.
    """
    text = requirements.read_text(encoding="utf-8")
    recipes, _, developers = text.partition(FOR_DEVELOPERS)
    return _absent(recipes), _absent(developers)


def _absent(lines: str) -> list[str]:
    names = [re.match(r"[\w.-]+", line) for line in lines.splitlines()]
    installed = {
        re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()
        for found in importlib.metadata.distributions()
    }
    return [name[0] for name in names if name and name[0].lower() not in installed]


def install_command(names: list[str], requirements: Path = REQUIREMENTS) -> str:
    """The pip command that installs these of the packages that are required."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if re.split(r"[^\w.-]", line)[0] in names]
    return shlex.join(["python", "-m", "pip", "install", *wanted])


def cuda_devices() -> list[str]:
    """One line for each CUDA device, or one that says there is none."""
    import torch  # here, as --before-install runs without it

    if not torch.cuda.is_available():
        return ["none: training runs on the CPU"]
    found = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    return [f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB" for gpu in found]


def compiler_version(variable: str) -> str:
    """The first line that the compiler says of itself."""
    program = compiler(variable)
    if shutil.which(program) is None:
        return f"none ({program})"
    said = subprocess.run([program, "--version"], capture_output=True, text=True)
    return (said.stdout or said.stderr).partition("\n")[0]


def tested(name: str, version: str) -> str:
    """Return " (tested: ...)" behind a version outside the range that is tested."""
    if name not in TESTED:
        return ""
    first, last = (_numbers(v) for v in TESTED[name])
    if first <= _numbers(version)[: len(first)] <= last:
        return ""
    return f" (not tested; tested: {' to '.join(TESTED[name])})"


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version.partition("+")[0])]


def report() -> None:
    """Print versions, CUDA devices and compilers."""
    print(f"Python        {platform.python_version()} ({sys.executable})")
    for name in MAIN_PACKAGES:
        version = importlib.metadata.version(name)
        print(f"{name:13} {version}{tested(name, version)}")
    for device in cuda_devices():
        print(f"CUDA device   {device}")
    for variable, name in COMPILERS.items():
        print(f"{name:13} {compiler_version(variable)}")


def main() -> int:
    """Run the command line; 1 where something is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--before-install",
        action="store_true",
        help="look only for what the install needs, with the standard library alone",
    )
    if parser.parse_args().before_install:
        missing = missing_for_install()
    else:
        absent, for_tests = absent_packages()
        missing = [f"{name} is not installed" for name in absent]
        if missing:
            missing.append(f"to install: {install_command(absent)}")
        else:
            report()
        if for_tests:
            print(f"Only tests want  {', '.join(for_tests)} (not installed)")
    for line in missing:
        print(f"check_environment.py: {line}", file=sys.stderr)
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
