"""The figures that mini_radio's README gives are those of results.tsv."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RECIPE = Path("egs2/mini_radio/asr_with_enhancement")
PLANS = (
    "methods",
    "methods_4000",
    "methods_8000",
    "methods_se_first",
    "methods_scratch",
    "methods_frozen",
)


@pytest.fixture(scope="module")
def written(repo_root, repo_env, tmp_path_factory) -> dict[str, str]:
    """The text of each summary, made anew from the tables."""
    folder = tmp_path_factory.mktemp("recipe")
    shutil.copytree(repo_root / RECIPE / "conf", folder / "conf")
    for name in ("results.tsv", "results_words.tsv"):
        shutil.copy(repo_root / RECIPE / name, folder)
    script = repo_root / RECIPE / "local/compare_summary.py"
    for plan in PLANS:
        conf = f"conf/compare_{plan}.yaml"
        command = [sys.executable, str(script), "--conf", conf]
        subprocess.run(command, env=repo_env, cwd=folder, check=True)
    return {plan: (folder / f"RESULTS_{plan}.md").read_text() for plan in PLANS}


def read_tables(text: str) -> dict[tuple[str, str, str], str]:
    """Return (place, method, column) -> cell of all tables of a page.

    The place is the last condition of a heading, or the last summary that was named.
    """
    cells, place, header = {}, "", []
    for line in text.splitlines():
        found = re.search(r"^## (\w+):|RESULTS_(\w+)\.md", line)
        place = found[1] or found[2] if found else place
        if not line.startswith("|"):
            header = []
            continue
        row = [cell.strip(" `") for cell in line.strip("|").split("|")]
        if header and not set(row[0]) <= {"-", ":"}:
            pairs = zip(header[1:], row[1:], strict=True)
            cells |= {(place, row[0], name): value for name, value in pairs}
        header = header or row
    return cells


@pytest.mark.parametrize("plan", PLANS)
def test_the_summary_is_that_of_the_rows(repo_root, written, plan):
    assert (repo_root / RECIPE / f"RESULTS_{plan}.md").read_text() == written[plan]


def test_every_figure_of_the_readme_stands_in_a_summary(repo_root, written):
    """Columns are named "<condition> <column of the summary>"; "-": not measured."""
    shown = read_tables((repo_root / RECIPE / "README.md").read_text())
    summaries = {plan: read_tables(text) for plan, text in written.items()}
    assert {plan for plan, _, _ in shown} == set(PLANS)
    for (plan, method, name), cell in shown.items():
        condition, column = name.split(" ", 1)
        figures = summaries[plan]
        assert (method, column) in {key[1:] for key in figures}
        wanted = figures.get((condition, method, column), "-")
        assert cell == wanted, (method, name)
