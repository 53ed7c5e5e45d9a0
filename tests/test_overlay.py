import os
import subprocess
import sys
from pathlib import Path

import pytest
from setuptools.command.editable_wheel import _finder_template

SHIM = "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"


@pytest.fixture
def overlay(import_script):
    return import_script("tools/check_overlay.py")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A sound overlay of one module, beside folders named with a space."""
    root = tmp_path / "a tree"
    for folder in ("espnet2", "espnet2/train"):
        (root / folder).mkdir(parents=True)
        (root / folder / "__init__.py").write_text(SHIM)
    (root / "espnet2/train/our_own.py").write_text("")
    return root


@pytest.mark.slow
def test_this_repository_is_sound(overlay, repo_root):
    assert overlay.check(repo_root) == []


def test_a_sound_tree_has_no_problem(overlay, tree):
    assert overlay.check(tree) == []


def test_a_module_named_like_one_of_upstream_is_named(overlay, tree):
    (tree / "espnet2/train/trainer.py").write_text("")
    (problem,) = overlay.check(tree)
    assert problem.startswith("espnet2/train/trainer.py replaces")


def test_a_package_that_is_not_empty_upstream_is_named(overlay, tree):
    # espnet2/tts/utils/__init__.py re-exports names: a shim there would lose them
    (tree / "espnet2/tts/utils").mkdir(parents=True)
    (tree / "espnet2/tts/utils/__init__.py").write_text(SHIM)
    (problem,) = overlay.check(tree)
    assert problem.startswith("espnet2/tts/utils/__init__.py hides")


def test_without_its_shim_our_module_is_missed(overlay, tree):
    (tree / "espnet2/train/__init__.py").unlink()
    (problem,) = overlay.check(tree)
    assert problem.startswith("espnet2.train.our_own is not found")


def test_without_the_top_shim_our_modules_are_missed(overlay, tree):
    (tree / "espnet2/__init__.py").unlink()
    problems = overlay.check(tree)
    assert any(line.startswith("espnet2.train.our_own is not") for line in problems)


def test_an_empty_init_hides_the_modules_of_upstream(overlay, tree):
    (tree / "espnet2/train/__init__.py").write_text("")
    problems = overlay.check(tree)
    assert any(line.startswith("espnet2.train.trainer is not") for line in problems)


def test_a_shim_that_fails_is_told_with_its_error(overlay, tree):
    (tree / "espnet2/__init__.py").write_text("1 / 0\n")
    (problem,) = overlay.check(tree)
    assert "ZeroDivisionError" in problem


@pytest.mark.parametrize("bad", [False, True])
def test_the_exit_code_tells_a_bad_tree_from_a_good_one(tree, repo_root, bad):
    if bad:
        (tree / "espnet2/train/trainer.py").write_text("")
    ran = subprocess.run(
        [sys.executable, repo_root / "tools/check_overlay.py", tree],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == int(bad)
    assert ("espnet2/train/trainer.py" in ran.stderr) == bad


def test_a_folder_without_espnet2_is_an_error(overlay, tmp_path):
    (problem,) = overlay.check(tmp_path)
    assert "holds no espnet2" in problem


@pytest.fixture
def checkout(tmp_path):
    """A checkout with modules of ESPnet's own: espnet2.train.theirs."""
    folder = tmp_path / "a checkout"
    (folder / "espnet2/train").mkdir(parents=True)
    for name in ("espnet2", "espnet2/train"):
        (folder / name / "__init__.py").write_text("")
    (folder / "espnet2/train/theirs.py").write_text("WORD = 'found'")
    return folder


def hook(checkout: Path, folder: Path) -> Path:
    """A site folder as ``pip install -e`` leaves it: a hook that knows the place."""
    mapping = {"espnet2": str(checkout / "espnet2")}
    code = _finder_template("editable_checkout", mapping, {})
    folder.mkdir()
    (folder / "editable_checkout.py").write_text(code)
    (folder / "sitecustomize.py").write_text(
        "import editable_checkout; editable_checkout.install()"
    )
    return folder


def test_a_checkout_that_was_installed_editable_is_extended(
    repo_root, checkout, tmp_path
):
    """Its finder is no path: the overlay was found "sound", and training died."""
    path = f"{repo_root}{os.pathsep}{hook(checkout, tmp_path / 'site')}"
    code = "from espnet2.train.theirs import WORD; import espnet2.data_dir; print(WORD)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "found", done.stderr


def test_the_check_looks_into_a_checkout_on_the_path(
    overlay, tree, checkout, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    assert overlay.check(tree) == []
    (tree / "espnet2/train/theirs.py").write_text("")
    (problem,) = overlay.check(tree)
    assert problem.startswith("espnet2/train/theirs.py replaces")


def test_an_espnet_that_is_not_tested_is_told(overlay, monkeypatch):
    assert "not tested" not in overlay.installed_espnet()
    monkeypatch.setattr(overlay.importlib.metadata, "version", lambda name: "202301")
    assert overlay.installed_espnet() == (
        "espnet 202301 (not tested; tested: 202412 to 202611)"
    )


@pytest.mark.slow
def test_the_check_imports_the_task_for_real(overlay, tree):
    (tree / "espnet2/tasks").mkdir()
    (tree / "espnet2/tasks/__init__.py").write_text(SHIM)
    task = tree / "espnet2/tasks/gradient_remedy.py"
    task.write_text("import espnet2.train.trainer")
    assert overlay.check(tree) == []
    task.write_text("import espnet2.train.not_there")
    (problem,) = overlay.check(tree)
    assert problem.endswith("No module named 'espnet2.train.not_there'")
