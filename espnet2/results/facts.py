"""What a result was made with: config, seed, versions, commit and machine."""

import contextlib
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import yaml

from espnet2.data_dir.tables import DataError
from espnet2.plain_data import read_mapping


class _PlainLoader(yaml.SafeLoader):
    """Reads ``!!python/...`` nodes as the plain lists, mappings or text they hold."""

    def construct_plain(self, _tag_suffix: str, node: yaml.Node) -> object:
        if isinstance(node, yaml.MappingNode):
            return self.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return node.value


_PlainLoader.add_multi_constructor(
    "tag:yaml.org,2002:python/", _PlainLoader.construct_plain
)


def read_config(exp: Path) -> dict:
    """Return the ``config.yaml`` of a training; no Python object in it is made.

    Raises:
        DataError: the file is missing or unreadable, or holds no ``key: value`` lines.
    """
    path = exp / "config.yaml"
    try:
        return read_mapping(path, _PlainLoader)
    except ValueError as error:
        raise DataError(f"{path}: is no config of this training: {error}") from None


def read_facts(exp: Path) -> dict[str, str]:
    """Return config (the file's name), seed and gradient_method of an experiment.

    Each is "unknown" where ``config.yaml`` is missing or unreadable or does not say it:
    a result must be shown all the same.
    """
    said = dict.fromkeys(("config", "seed", "gradient_method"), "unknown")
    with contextlib.suppress(DataError):
        config = read_config(exp)
        said |= {key: str(config[key]) for key in said if config.get(key) is not None}
    return {**said, "config": Path(said["config"]).name}


def describe_environment() -> dict[str, str]:
    """Return what RESULTS.md tells of the environment, in the order of its lines.

    GPUs are those ``nvidia-smi`` lists on the machine that makes the report.
    """
    return {
        "date": time.strftime("%a %b %d %H:%M:%S %Z %Y"),
        "python version": sys.version.replace("\n", " "),
        "espnet version": f"espnet {_version('espnet')}",
        "pytorch version": f"pytorch {_version('torch')}",
        "Git hash": git_commit(Path(__file__).resolve().parent),
        "machine": f"{_cpu_model()}, {os.cpu_count()} cores, {_gpu_names()}",
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def git_commit(folder: Path) -> str:
    """Return the short commit of the repository around ``folder``.

    It ends in ``-dirty`` if a tracked file differs from the commit (``results*.tsv``,
    to which a comparison adds its rows, apart), and is "unknown" without git, without a
    repository or before the first commit.
    """
    git = ["git", "-C", str(folder)]
    commit = _first_line([*git, "rev-parse", "--short=7", "HEAD"])
    paths = [":(top)", ":(top,exclude,glob)**/results*.tsv"]
    status = ["status", "--porcelain", "--untracked-files=no", "--", *paths]
    changed = _first_line([*git, *status]) if commit else ""
    return f"{commit}-dirty" if changed else commit or "unknown"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1] for line in lines if line.startswith("model name")]
    return names[0].strip() if names else platform.processor() or platform.machine()


def _gpu_names() -> str:
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    name = _first_line(query)
    return f"GPU {name}" if name else "no GPU"


def _first_line(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.splitlines()
    return lines[0].strip() if done.returncode == 0 and lines else ""
