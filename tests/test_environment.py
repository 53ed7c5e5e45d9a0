import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

TOOLS = (
    "make_venv.sh",
    "pip_settings.py",
    "check_environment.py",
    "choose_torch.py",
    "activate_python.sh",
)


@pytest.fixture
def environment(import_script):
    return import_script("tools/check_environment.py")


@pytest.fixture
def tools(tmp_path: Path, repo_root: Path) -> Path:
    """A copy of the tools, in a folder with a space, that asks for torch alone."""
    folder = tmp_path / "a checkout/tools"
    folder.mkdir(parents=True)
    for name in TOOLS:
        shutil.copy(repo_root / "tools" / name, folder)
    (folder / "requirements.in").write_text("torch==2.11.0\n")
    for name in ("constraints.txt", "large_recognisers.txt"):
        (folder / name).write_text("")
    return folder


def make_venv(tools: Path, *python: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [tools / "make_venv.sh", *python],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def fake_pip(tools: Path, repo_root: Path) -> Path:
    """A base Python whose venvs have a pip that only writes down what it was asked."""
    base = tools / "base python"
    base.write_text(
        "#!/usr/bin/env bash\n"
        'if [ "${1:-} ${2:-}" = "-m venv" ]; then\n'
        "  mkdir -p venv/bin\n"
        '  ln -s "$(readlink -f "$0")" venv/bin/python\n'
        'elif [ "${1:-} ${2:-}" = "-m pip" ]; then\n'
        '  echo "${*:3}" >>calls\n'
        '  if [ "${*: -2:1}" = --requirement ]; then cat "${*: -1}" >>calls; fi\n'
        "  if [ -e uv ]; then cp uv venv/bin; fi\n"
        "  [ ! -e fail ]\n"
        f'else\n  exec "{sys.executable}" "$@"\nfi\n'
    )
    base.chmod(0o755)
    return base


def installs(tools: Path) -> int:
    calls = tools / "calls"
    return calls.read_text().count("--requirement") if calls.exists() else 0


@pytest.mark.slow
def test_a_venv_is_made_once_and_then_left_alone(tools, fake_pip):
    made = make_venv(tools, str(fake_pip))
    assert made.returncode == 0, made.stderr
    assert installs(tools) == 1
    again = make_venv(tools)
    assert (again.returncode, again.stdout, installs(tools)) == (0, "", 1)


def add_uv(tools: Path, script: str) -> None:
    """Let the fake pip bring a uv that writes down what it was asked and runs this."""
    uv = tools / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@" >>uv_calls\n{script}\n')
    uv.chmod(0o755)


@pytest.mark.slow
def test_uv_installs_from_where_pip_would(tools, fake_pip):
    add_uv(tools, "env >uv_env")
    made = make_venv(tools, str(fake_pip), PIP_INDEX_URL="https://mirror/simple")
    assert made.returncode == 0, made.stderr
    assert installs(tools) == 0
    (call,) = (tools / "uv_calls").read_text().splitlines()
    assert "/requirements.in" in call and call.count("/constraints.txt") == 2
    assert "UV_DEFAULT_INDEX=https://mirror/simple\n" in (tools / "uv_env").read_text()
    assert (make_venv(tools).stdout, installs(tools)) == ("", 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({}, "no such index\n"),
        ({"PIP_NO_BINARY": "pesq"}, "uv does not know pip's setting no-binary\n"),
    ],
)
def test_pip_installs_what_uv_cannot(tools, fake_pip, setting, said):
    add_uv(tools, "echo no such index >&2; exit 2")
    made = make_venv(tools, str(fake_pip), **setting)
    assert (made.returncode, installs(tools)) == (0, 1)
    assert made.stderr.endswith(said)
    assert made.stdout.count("now pip does") == 1
    assert (tools / "venv/.complete").exists()


def test_an_interrupted_uv_is_not_followed_by_pip(tools, fake_pip):
    add_uv(tools, "kill -INT $PPID; exit 2")
    assert make_venv(tools, str(fake_pip)).returncode == 130
    assert installs(tools) == 0
    assert not (tools / "venv/.complete").exists()


@pytest.mark.slow
def test_a_killed_install_is_not_taken_for_whole(tools, fake_pip):
    (tools / "fail").touch()
    assert make_venv(tools, str(fake_pip)).returncode != 0
    (tools / "venv/left_over").touch()
    (tools / "fail").unlink()
    assert make_venv(tools, str(fake_pip)).returncode == 0
    assert not (tools / "venv/left_over").exists()


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["requirements.in", "constraints.txt"])
def test_a_changed_pin_is_installed_in_place(tools, fake_pip, changed):
    make_venv(tools, str(fake_pip))
    (tools / "venv/kept").touch()
    (tools / changed).write_text("torch==2.11.0\npip>=20\n")
    assert make_venv(tools).returncode == 0
    assert installs(tools) == 2
    assert (tools / "venv/kept").exists()
    make_venv(tools)
    assert installs(tools) == 2


@pytest.mark.slow
def test_an_update_that_was_killed_is_started_anew(tools, fake_pip):
    make_venv(tools, str(fake_pip))
    (tools / "venv/left_over").touch()
    (tools / "constraints.txt").write_text("pip>=20\n")
    (tools / "fail").touch()
    assert make_venv(tools).returncode != 0
    (tools / "fail").unlink()
    assert make_venv(tools, str(fake_pip)).returncode == 0
    assert not (tools / "venv/left_over").exists()


@pytest.mark.parametrize(
    ("python", "said"),
    [("no-such-python", "no such program"), ("old", "3.10, 3.11 or 3.12 is wanted")],
)
def test_a_wrong_interpreter_is_one_line(tools, python, said):
    old = tools / "old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1; exit 1\n')
    old.chmod(0o755)
    ran = make_venv(tools, str(tools / python))
    assert ran.returncode == 1
    assert said in ran.stderr and ran.stderr.count("\n") == 1
    assert not (tools / "venv").exists()


@pytest.mark.slow
def test_another_torch_is_a_new_venv_and_stays(tools, fake_pip):
    """`make demo` after `make CUDA=12.4` keeps it; its libraries do not mix."""
    make_venv(tools, str(fake_pip))
    (tools / "venv/left_over").touch()
    chosen = make_venv(tools, "", "", "12.4")
    assert (chosen.returncode, installs(tools)) == (0, 2), chosen.stderr
    assert chosen.stdout.startswith("torch 2.6.0 (CUDA 12.4)\n")
    assert "\ntorch==2.6.0\n" in (tools / "calls").read_text()
    assert not (tools / "venv/left_over").exists()
    again = make_venv(tools)
    assert (again.returncode, again.stdout, installs(tools)) == (0, "", 2)
    make_venv(tools, "", "2.11.0")
    assert installs(tools) == 3
    assert "chosen" not in (tools / "venv/.complete").read_text()


@pytest.mark.slow
def test_an_older_driver_decides_which_torch_is_installed(tools, fake_pip, tmp_path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 550.54.14\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    made = make_venv(tools, str(fake_pip), PATH=path)
    assert made.stdout.splitlines()[0] == (
        "torch 2.6.0 (CUDA 12.4) in place of 2.11.0, which wants NVIDIA driver 580; "
        "here is 550"
    )
    assert "\ntorch==2.6.0\n" in (tools / "calls").read_text()


def test_a_torch_that_is_not_known_is_one_line(tools, fake_pip):
    ran = make_venv(tools, str(fake_pip), "2.5.1")
    assert ran.returncode == 1
    assert "TORCH_VERSION=2.5.1: not one of" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not (tools / "venv").exists()


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], '"" "" ""'),
        (["TORCH_VERSION=2.6.0", "CUDA=12.4"], '"" "2.6.0" "12.4"'),
        (["TH_VERSION=2.6.0", "CUDA_VERSION=12.4"], '"" "2.6.0" "12.4"'),
    ],
)
def test_make_knows_our_names_and_espnets(repo_root, words, asked):
    """Not from the environment: NVIDIA's images have CUDA_VERSION there."""
    there = {"CUDA_VERSION": "11.8.0", "CUDA": "/usr/local/cuda"}
    ran = subprocess.run(
        ["make", "--dry-run", "-C", repo_root / "tools", "venv", *words],
        env={**os.environ, **there},
        capture_output=True,
        text=True,
    )
    assert f"make_venv.sh {asked}\n" in ran.stdout


def test_without_a_compiler_nothing_is_begun(tools, fake_pip):
    ran = make_venv(tools, str(fake_pip), CC="no-such-cc", CXX="no-such-cxx")
    assert ran.returncode == 1
    assert "no-such-cc" in ran.stderr and "no-such-cxx" in ran.stderr
    assert "apt-get install build-essential" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not (tools / "venv").exists()


def test_the_study_wants_python_3_11_or_3_12(tools, repo_root, tmp_path):
    for name in ("make_study_venv.sh", "study_requirements.txt"):
        shutil.copy(repo_root / "tools" / name, tools)
    uv = tmp_path / "bin/uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\nexit 2\n")
    uv.chmod(0o755)
    env = {**os.environ, "PATH": f"{uv.parent}:{os.environ['PATH']}"}
    script = tools / "make_study_venv.sh"
    ran = subprocess.run([script], env=env, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "no Python 3.11 or 3.12 on PATH" in ran.stderr
    assert ran.stderr.count("\n") == 1
    uv.write_text('#!/bin/sh\necho "$1" >>calls\nmkdir -p study_venv\n')
    for _ in range(2):
        subprocess.run([script], env=env, check=True)
    assert (tools / "calls").read_text() == "venv\npip\n"


def test_missing_headers_name_the_package_to_install(environment, monkeypatch):
    paths = {"include": "/nowhere"}
    monkeypatch.setattr(environment.sysconfig, "get_paths", lambda: paths)
    monkeypatch.setenv("CC", "sh")
    monkeypatch.setenv("CXX", "sh")
    (line,) = environment.missing_for_install()
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert "/nowhere/Python.h" in line and f"python{version}-dev" in line


def test_an_absent_package_is_named(environment, tmp_path):
    wanted = tmp_path / "requirements.in"
    wanted.write_text("# a comment\nespnet==1\nno-such_package>=2\n\n")
    assert environment.absent_packages(wanted) == (["no-such_package"], [])


def test_the_command_that_installs_what_is_absent_is_told(
    environment, monkeypatch, capsys
):
    monkeypatch.setattr(environment, "absent_packages", lambda: (["mir-eval"], []))
    monkeypatch.setattr(sys, "argv", ["check_environment.py"])
    assert environment.main() == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("mir-eval is not installed")
    assert second.endswith("to install: python -m pip install 'mir-eval<0.9'")


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("espnet", "202511", False),
        ("espnet", "202611", False),
        ("espnet", "202402", True),
        ("espnet", "202701", True),
        ("torch", "2.6.0+cu124", False),
        ("torch", "2.11.1", False),
        ("torch", "2.5.1", True),
        ("torch", "2.12.0", True),
        ("numpy", "1.0", False),
    ],
)
def test_a_version_that_is_not_tested_is_told(environment, name, version, said):
    assert bool(environment.tested(name, version)) == said


def test_the_wheel_asks_for_the_versions_that_are_tested(environment, repo_root):
    asked = (repo_root / "setup.py").read_text()
    (oldest, newest), (first, last) = environment.TESTED.values()
    after = f"2.{int(last.split('.')[1]) + 1}"
    wanted = f'["espnet>={oldest},<={newest}", "torch>={first},<{after}", "soxr"]'
    assert wanted in asked
    page = (repo_root / "docs/compat.md").read_text()
    assert f"torch {first} to {last}" in page
    assert oldest in page and newest in page


def test_what_tests_alone_want_is_not_missed_by_a_user(
    environment, monkeypatch, tmp_path, capsys
):
    wanted = tmp_path / "requirements.in"
    wanted.write_text("espnet==1\n\n# Tests, checks and packaging\nno-such_tester\n")
    assert environment.absent_packages(wanted) == ([], ["no-such_tester"])
    absent = environment.absent_packages(wanted)
    monkeypatch.setattr(environment, "absent_packages", lambda: absent)
    monkeypatch.setattr(sys, "argv", ["check_environment.py"])
    assert environment.main() == 0
    assert "Only tests want  no-such_tester" in capsys.readouterr().out


def test_all_that_is_required_is_pinned_once_for_each_python(repo_root):
    lines = (repo_root / "tools/constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    lines = (repo_root / "tools/requirements.in").read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line and line[0] != "#"]
    for version in ("3.10", "3.11", "3.12"):
        python = {"python_version": version, "python_full_version": f"{version}.5"}
        here = [p.name for p in pins if p.marker is None or p.marker.evaluate(python)]
        assert len(here) == len(set(here))
        assert {requirement.name for requirement in wanted} <= set(here)
    assert all(str(pin.specifier).startswith("==") and not pin.url for pin in pins)


def test_the_installed_toolkit_is_the_pinned_one(repo_root):
    venv = repo_root / "tools/venv"
    if Path(sys.prefix).resolve() != venv.resolve():
        pytest.skip("this is not the environment that tools/ makes")
    pins = (venv / ".complete").read_text()
    for name in ("espnet", "torch", "torchaudio", "torchjd", "librosa"):
        version = importlib.metadata.version(name).partition("+")[0]
        assert f"\n{name}=={version} " in pins


def activate(tools: Path, then: str, cwd: Path, **env: str):
    script = f'set -euo pipefail; . "{tools}/activate_python.sh"; {then}'
    clean = {k: v for k, v in os.environ.items() if k != "ESPNET_PYTHON_ENV"}
    return subprocess.run(
        ["bash", "-c", script, "recipe", "an argument"],
        env={**clean, **env},
        cwd=cwd,
        capture_output=True,
        text=True,
    )


def test_without_a_whole_venv_the_command_to_run_is_named(tools, tmp_path):
    (tools / "venv/bin").mkdir(parents=True)
    (tools / "venv/bin/python").symlink_to(sys.executable)
    ran = activate(tools, "echo not reached", tmp_path)
    assert ran.returncode == 1
    assert "make -C" in ran.stderr and ran.stderr.count("\n") == 1
    assert ran.stdout == ""


@pytest.mark.slow
def test_the_venv_and_this_checkout_come_first(tools, fake_pip, tmp_path):
    make_venv(tools, str(fake_pip))
    show = 'command -v python; echo "$PYTHONPATH"'
    ran = activate(tools, show, tmp_path, PYTHONPATH="/elsewhere")
    python, path = ran.stdout.splitlines()
    assert python == str(tools / "venv/bin/python")
    assert path == f"{tools.parent}:/elsewhere"


def test_none_keeps_the_python_on_path(tools, tmp_path):
    path = os.environ["PATH"]
    ran = activate(tools, 'echo "$PATH"', tmp_path, ESPNET_PYTHON_ENV="none")
    assert ran.stdout == f"{path}\n"


def test_a_users_activate_file_sees_neither_set_u_nor_our_arguments(tools, tmp_path):
    own = tmp_path / "own env"
    own.write_text('OWN="${NEVER_SET}<$#>"\n')
    show = 'echo "$OWN $# $-"'
    ran = activate(tools, show, tmp_path, ESPNET_PYTHON_ENV=str(own))
    seen, arguments, options = ran.stdout.split()
    assert (seen, arguments) == ("<0>", "1")
    assert "u" in options


def test_a_users_activate_file_that_is_absent_is_named(tools, tmp_path):
    ran = activate(tools, "echo not reached", tmp_path, ESPNET_PYTHON_ENV="/no/env")
    assert ran.returncode == 1
    assert "/no/env: no such file" in ran.stderr


@pytest.mark.slow
def test_importing_upstreams_task_prints_nothing(repo_env, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", "import espnet2.bin.enh_s2t_train"],
        env={k: v for k, v in repo_env.items() if k != "PYTHONWARNINGS"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
