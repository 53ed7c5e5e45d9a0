"""Runs the core tests on several versions of Python, torch and ESPnet.

Makes one environment after the other in tools/compat_venvs (6 GB, removed when its
tests have run), prints the table and writes it into docs/compat.md. It wants uv on
PATH, which tools/venv has. Exits with 1 where a test failed or an environment could
not be made.
"""

import argparse
import datetime
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pip_settings
from check_environment import FOR_DEVELOPERS, REQUIREMENTS
from choose_torch import CUDA_OF, pinned

ROOT = Path(__file__).resolve().parent.parent
VENVS = ROOT / "tools/compat_venvs"
PAGE = ROOT / "docs/compat.md"
TABLE = re.compile(r"(<!-- compat -->\n).*?(<!-- end of compat -->)", re.DOTALL)
HEAD = ("Python", "torch", "CUDA", "ESPnet", "passed", "failed", "skipped", "seconds")
CORE = (
    "gradient_remedy gradient_surgery gradient_methods two_gradient_module "
    "enh_asr_model padded_rnn trainer_gradient_remedy gradient_remedy_task "
    "gradient_smoothing tensor_lists one_thread ranks checkpoints upstream_versions"
).split()


class Versions(NamedTuple):
    """What an environment is made of."""

    python: str
    torch: str
    espnet: str


SETS = (
    Versions("3.10", "2.6.0", "202412"),
    Versions("3.11", "2.6.0", "202511"),
    Versions("3.12", "2.11.0", "202611"),
    Versions("3.11", "2.11.0", "202511"),
    Versions("3.11", "2.10.0", "202511"),
)


def requirements(versions: Versions, text: str) -> str:
    """Return what the recipes need, at these versions, and what runs the tests.

    Another ESPnet than that of ``text`` brings its own librosa.
    """
    text, _, _ = text.partition(FOR_DEVELOPERS)
    if f"\nespnet=={versions.espnet}\n" not in text:
        text = re.sub(r"^librosa==.*$", "librosa", text, flags=re.M)
        text = re.sub(r"^espnet==.*$", f"espnet=={versions.espnet}", text, flags=re.M)
    return pinned(text, versions.torch) + "packaging\npytest\n"


def constraints(versions: Versions, text: str) -> str:
    """Return the pins that hold beside these versions: none beside another ESPnet."""
    if f"\nespnet=={versions.espnet} " not in text:
        return ""
    return pinned(text, versions.torch)


def make(versions: Versions, folder: Path) -> None:
    """Make the environment ``folder``, anew."""
    python = folder / "bin/python"
    _uv("venv", "--quiet", "--clear", "--python", versions.python, folder)
    pins = REQUIREMENTS.with_name("constraints.txt").read_text(encoding="utf-8")
    files = {
        "requirements": requirements(versions, REQUIREMENTS.read_text("utf-8")),
        "constraints": constraints(versions, pins),
        # As in make_venv.sh: newer ones lack what espnet's source packages ask for.
        "build-constraints": re.search("^setuptools==.*$", pins, re.M)[0],
    }
    options = []
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        options += [f"--{name}", folder / f"{name}.txt"]
    _uv("pip", "install", "--quiet", "--python", python, *options)


def _uv(*words: object) -> None:
    """Run uv, which takes packages from where pip does."""
    env = {**os.environ, **pip_settings.here()}
    subprocess.run(["uv", *map(str, words)], check=True, env=env)


def run_tests(python: Path) -> list[str]:
    """Return how many tests passed, failed and were skipped, and the seconds."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    words = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    files = [f"tests/test_{name}.py" for name in CORE]
    begin = time.monotonic()
    done = subprocess.run(
        [*words, *files], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
    print(done.stdout, flush=True)
    return [*counts(done.stdout), f"{time.monotonic() - begin:.0f}"]


def counts(output: str) -> list[str]:
    """Return what pytest's last line says: passed, failed (and errors), skipped."""
    last = output.strip().rpartition("\n")[2]
    found = {kind: int(number) for number, kind in re.findall(r"(\d+) (\w+)", last)}
    errors = sum(found.get(kind, 0) for kind in ("failed", "error", "errors"))
    return [str(found.get("passed", 0)), str(errors), str(found.get("skipped", 0))]


def row(versions: Versions, keep: bool) -> list[str]:
    """Make one environment, test in it, and return its row of the table."""
    folder = VENVS / "-".join(versions)
    print(f"== {folder.name}", flush=True)
    try:
        make(versions, folder)
        figures = run_tests(folder / "bin/python")
    except subprocess.CalledProcessError:
        figures = ["not installed", "-", "-", "-"]
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    cuda = ".".join(map(str, CUDA_OF[versions.torch]))
    return [versions.python, versions.torch, cuda, versions.espnet, *figures]


def checkout() -> str:
    """Return the commit that is tested, and whether files differ from it."""
    git = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.check_output(git, cwd=ROOT, text=True).strip()


def table(rows: list[list[str]], commit: str) -> str:
    """Return the rows as Markdown, with the date and the commit."""
    lines = ["| " + " | ".join(cells) + " |" for cells in [HEAD, *rows]]
    lines.insert(1, "|---" * len(HEAD) + "|")
    today = datetime.date.today().isoformat()
    return "\n".join([*lines, "", f"Measured on {today} at commit {commit}.", ""])


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the environments")
    keep = parser.parse_args().keep
    commit, rows = checkout(), []
    for versions in SETS:
        rows.append(row(versions, keep))
        text = table(rows, commit)
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(TABLE.sub(rf"\1{text}\2", page), encoding="utf-8")
    print(text)
    return int(any(cells[5] != "0" for cells in rows))


if __name__ == "__main__":
    sys.exit(main())
