"""Checks that this repository's ``espnet2`` adds to the installed one, hiding nothing.

A module named like one of upstream's would silently replace it, and a folder
without its ``__init__.py`` would hide our own modules. Prints each culprit and exits
with 1 if there is one.
"""

import argparse
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

from check_environment import tested

REPO_ROOT = Path(__file__).resolve().parent.parent

TASK = "espnet2/tasks/gradient_remedy.py"
# Prints the folders of the package, without importing it.
WHERE = """
import importlib.util
spec = importlib.util.find_spec("espnet2")
print("\\n".join(spec.submodule_search_locations if spec else ()))
"""
# Run in a fresh Python, as espnet2 may be imported already in this one. Prints each
# module's file, or nothing where there is no such module.
PROBE = """
import importlib.util, sys
for name in sys.argv[1:]:
    try:
        spec = importlib.util.find_spec(name)
    except ImportError:
        spec = None
    print(spec.origin or "" if spec else "")
"""


def installed_files(root: Path) -> dict[str, Path]:
    """The Python files of the installed ``espnet2``: name from the top, and path.

    It is found as a fresh Python finds it that does not know ``root``: a package, a
    checkout that was installed by ``pip install -e``, or one on PYTHONPATH.

    Raises:
        LookupError: There is none.
    """
    found = _run(["-c", WHERE], [])
    folders = [Path(line) for line in found.stdout.splitlines()]
    outside = [f for f in folders if f.resolve() != (root / "espnet2").resolve()]
    if found.returncode != 0 or not outside:
        raise LookupError("espnet is not installed: run  make -C tools")
    return {
        f"espnet2/{path.relative_to(folder).as_posix()}": path
        for folder in reversed(outside)
        for path in folder.rglob("*.py")
    }


def _run(words: list[str], first: list[Path]) -> subprocess.CompletedProcess:
    """Run a fresh Python, with folders first on its path, and without this checkout."""
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    others = [p for p in path if p and Path(p).resolve() != REPO_ROOT]
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, first), *others])},
        cwd=REPO_ROOT.anchor,
        capture_output=True,
        text=True,
    )


def our_files(root: Path) -> list[str]:
    """The Python files of ``espnet2`` under ``root``, named from ``root``."""
    return sorted(
        path.relative_to(root).as_posix() for path in (root / "espnet2").rglob("*.py")
    )


def clashes(ours: list[str], upstream: dict[str, Path]) -> list[str]:
    """One line for each of our files that hides something of upstream's."""
    problems = []
    for name in ours:
        if name not in upstream or name == "espnet2/__init__.py":
            continue
        if not name.endswith("/__init__.py"):
            problems.append(f"{name} replaces espnet's own file: give it another name")
        elif upstream[name].stat().st_size > 0:
            problems.append(
                f"{name} hides the names that espnet's own file defines: put the "
                "modules beside it into another package"
            )
    return problems


def module_name(file: str) -> str:
    """``espnet2/train/x.py`` as ``espnet2.train.x``."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def unreachable(root: Path, ours: list[str], upstream: dict[str, Path]) -> list[str]:
    """One line for each module that is not found where it should be.

    With ``root`` first on the path, our modules must be found in ``root``, and
    upstream's neighbours of them in the installed package.
    """
    folders = {file.rpartition("/")[0] for file in ours}
    expected = {module_name(file): root / file for file in ours}
    for file, path in upstream.items():
        if file.rpartition("/")[0] in folders and not file.endswith("__init__.py"):
            expected.setdefault(module_name(file), path)
    found = _run(["-c", PROBE, *expected], [root])
    if found.returncode != 0:
        return [f"espnet2 under {root} cannot be imported:\n{found.stderr.strip()}"]
    return [
        f"{name} is not found in {path} but in {place or 'no file'}: is there an "
        "__init__.py with extend_path in its folder and in each above it?"
        for (name, path), place in zip(
            expected.items(), found.stdout.splitlines(), strict=True
        )
        if not place or not path.samefile(place)
    ]


def failing_import(root: Path, ours: list[str]) -> list[str]:
    """What the task's import says where it fails; it imports nearly all the rest."""
    if TASK not in ours:
        return []
    done = _run(["-c", f"import {module_name(TASK)}"], [root])
    if done.returncode == 0:
        return []
    error = done.stderr.strip().splitlines()[-1]
    where = f"with {installed_espnet()}"
    return [f"{module_name(TASK)} cannot be imported {where}: {error}"]


def installed_espnet() -> str:
    """Return espnet and its version in words; not that of a checkout on PYTHONPATH."""
    try:
        version = importlib.metadata.version("espnet")
    except importlib.metadata.PackageNotFoundError:
        return "espnet"
    return f"espnet {version}{tested('espnet', version)}"


def check(root: Path) -> list[str]:
    """All that is wrong with the overlay under ``root``, one line each.

    Raises:
        LookupError: espnet is not installed.
    """
    upstream = installed_files(root)
    ours = our_files(root)
    if not ours:
        return [f"{root} holds no espnet2/**/*.py: name the repository's folder"]
    problems = clashes(ours, upstream) or unreachable(root, ours, upstream)
    return problems or failing_import(root, ours)


def main() -> int:
    """Run the command line; 1 where the overlay is not sound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "root", nargs="?", type=Path, default=REPO_ROOT, help="folder with espnet2/"
    )
    root = parser.parse_args().root.resolve()
    try:
        problems = check(root)
    except LookupError as error:
        problems = [str(error)]
    for line in problems:
        print(f"check_overlay.py: {line}", file=sys.stderr)
    if not problems:
        number = len(our_files(root))
        print(f"overlay sound: {number} files beside {installed_espnet()}")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
