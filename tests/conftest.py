"""Shared fixtures: fixed seeds, paths, and an environment for child processes."""

import contextlib
import importlib.util
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from warm_servers import warm_servers

REPO_ROOT = Path(__file__).resolve().parent.parent
QUICK_START = REPO_ROOT / "tests/quick_start"
STUDY_VENV = REPO_ROOT / "tools/study_venv"
WITHOUT_TYPEGUARD = REPO_ROOT / "tests/without_typeguard"
# Where the tests' programs look for modules: ESPnet checks its types, or does not.
CHECKED_PATH = (REPO_ROOT, QUICK_START)
UNCHECKED_PATH = (*CHECKED_PATH, WITHOUT_TYPEGUARD)
# The files that take longest, in order. The others with slow tests come after them.
LONGEST = (
    "test_slurm_recipe.py",
    "test_toy_recipe.py",
    "test_kill.py",
    "test_take_recogniser.py",
    "test_faults.py",
    "test_slurm_stops.py",
    "test_study_stop.py",
    "test_readme_commands.py",
    "test_chime4_recipe.py",
    "test_rats_recipe.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Without the slow tests ESPnet is loaded without typeguard, in half the time.

    The process that hands out the tests has the warm interpreters of all.
    """
    if config.getoption("markexpr") == "not slow":
        sys.path.insert(0, str(WITHOUT_TYPEGUARD))
    if not hasattr(config, "workerinput"):
        unchecked, checked = _child_env(*UNCHECKED_PATH), _child_env(*CHECKED_PATH)
        kinds = {
            "unchecked": ([sys.executable], unchecked),
            "checked": ([sys.executable], checked),
            "snakemake": ([f"{STUDY_VENV}/bin/python", "snakemake"], unchecked),
        }
        servers = contextlib.ExitStack()
        os.environ["WARM_SERVERS"] = servers.enter_context(warm_servers(kinds))
        config.add_cleanup(servers.close)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first: none is left alone at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    places = {name: place for place, name in enumerate(LONGEST)}

    def place(item: pytest.Item) -> int:
        return places.get(item.path.name, len(LONGEST) + (item.path not in slow))

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    import torch  # not above: the process that hands out the tests needs none

    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    # A training on the CPU takes denormal numbers for zero, in all of its process.
    torch.set_flush_denormal(False)


@pytest.fixture(autouse=True)
def _own_loading_rules(monkeypatch) -> None:
    """The training programs set this for their process, which here is pytest."""
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")  # so that it is undone
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD")


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The folder that holds ``espnet2/``, ``egs2/`` and ``tools/``."""
    return REPO_ROOT


@pytest.fixture(scope="session")
def own_process_env() -> dict[str, str]:
    """Environment for child processes, which do not inherit pytest's path.

    Each has an interpreter of its own, without typeguard.
    """
    return _child_env(*UNCHECKED_PATH)


@pytest.fixture(scope="session")
def repo_env(own_process_env) -> dict[str, str]:
    """As ``own_process_env``, but programs begin in warm interpreters."""
    return {**own_process_env, "WARM_INTERPRETER": _socket("unchecked")}


@pytest.fixture(scope="session")
def typechecked_env() -> dict[str, str]:
    """As ``repo_env``, with typeguard, which checks the types that ESPnet declares."""
    return {**_child_env(*CHECKED_PATH), "WARM_INTERPRETER": _socket("checked")}


def _socket(kind: str) -> str:
    return f"{os.environ['WARM_SERVERS']}/{kind}"


def _child_env(*python_path: Path) -> dict[str, str]:
    python_folder = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, python_path)),
        "PATH": os.pathsep.join([python_folder, os.environ.get("PATH", os.defpath)]),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def demo_recipe(tmp_path, monkeypatch) -> Path:
    """The working folder: a recipe with a model that was never trained."""
    from demo_model import make_demo  # loads slowly

    folder = tmp_path / "my recipe"
    folder.mkdir()
    make_demo(folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def toy_study(tmp_path, monkeypatch, repo_env):
    """A study of gradient methods with a stub of the recipe; the working folder."""
    from study_folder import Study

    study = Study(tmp_path, repo_env, {"WARM_SNAKEMAKE": _socket("snakemake")})
    monkeypatch.chdir(study.folder)
    return study


@pytest.fixture
def import_script() -> Iterator[Callable[[str | Path], ModuleType]]:
    """A function that loads a script by its path (relative to the repository)."""
    path_before = list(sys.path)
    modules_before = set(sys.modules)

    def load(path: str | Path) -> ModuleType:
        script = (REPO_ROOT / path).resolve()
        sys.path.insert(0, str(script.parent))
        spec = importlib.util.spec_from_file_location(script.stem, script)
        if spec is None or spec.loader is None:
            raise ImportError(f"{script} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[script.stem] = module  # dataclasses look their module up here
        spec.loader.exec_module(module)
        return module

    yield load
    sys.path[:] = path_before
    for name in set(sys.modules) - modules_before:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin and Path(origin).is_relative_to(REPO_ROOT / "egs2"):
            del sys.modules[name]
