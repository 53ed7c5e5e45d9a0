"""The wheel joins an installed espnet and leaves it, byte for byte, as it was."""

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def run(*command: object) -> str:
    ran = subprocess.run(
        [str(part) for part in command],
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        cwd=Path(sys.executable).anchor,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    repo = Path(__file__).resolve().parent.parent
    source = tmp_path_factory.mktemp("source")
    no_cache = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repo / "espnet2", source / "espnet2", ignore=no_cache)
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in"):
        shutil.copy(repo / name, source)
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index"]
    run(*pip, "--no-build-isolation", "--wheel-dir", out, source)
    (built,) = out.glob("*.whl")
    return built


def our_files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def our_modules(wheel: Path) -> set[str]:
    return {name for name in our_files(wheel) if name.endswith(".py")}


def is_shim(path: Path) -> bool:
    return path.name == "__init__.py" and "extend_path" in path.read_text()


def test_the_wheel_holds_each_of_our_modules_and_no_shim(wheel, repo_root):
    here = {
        path.relative_to(repo_root).as_posix()
        for path in (repo_root / "espnet2").rglob("*.py")
        if not is_shim(path)
    }
    assert our_modules(wheel) == here


def test_the_wheel_holds_the_templates_of_the_page(wheel, repo_root):
    folder = repo_root / "espnet2" / "result_page" / "templates"
    here = {path.relative_to(repo_root).as_posix() for path in folder.iterdir()}
    assert our_files(wheel) - our_modules(wheel) == here


def test_the_wheel_holds_no_file_of_espnet(wheel):
    theirs = {file.as_posix() for file in importlib.metadata.files("espnet")}
    assert our_files(wheel) & theirs == set()


def hashes(folder: Path) -> dict[str, str]:
    """The sha256 of each file, but for the byte code, which any import may write."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture
def other_venv(tmp_path) -> Path:
    """A bare environment with its own copy of espnet, and torch and such from ours."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    (site,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    for file in importlib.metadata.files("espnet"):
        if ".." not in file.parts and file.suffix != ".pyc":
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), site / file)
    (site / "other_packages.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return tmp_path / "venv"


def found_in(python: Path, modules: list[str]) -> list[str]:
    code = (
        "import importlib.util as u, sys\n"
        "for name in sys.argv[1:]: print(u.find_spec(name).origin)"
    )
    return run(python, "-c", code, *modules).splitlines()


def test_installing_joins_espnet_and_uninstalling_restores_it(wheel, other_venv):
    (site,) = other_venv.glob("lib/python3*/site-packages")
    python = other_venv / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", python]
    before = hashes(site)

    run(*pip, "install", "--no-deps", "--no-index", wheel)
    ours = sorted(name[:-3].replace("/", ".") for name in our_modules(wheel))
    upstream = [
        "espnet2.train.trainer",
        "espnet2.bin.enh_s2t_train",
        "espnet2.tasks.asr",
    ]
    for file in found_in(python, ours + upstream):
        assert Path(file).is_relative_to(site)
    run(python, "-c", "import espnet2.train.gradient_remedy, espnet2.train.reporter")
    run(python, "-m", "espnet2.bin.result_page", "--help")
    joined = hashes(site)
    assert {name: joined[name] for name in before} == before

    run(*pip, "uninstall", "--yes", "gradient-remedy")
    assert hashes(site) == before
