"""Runs the scripts of the RATS recipe on a tree and reads what they made."""

import csv
import subprocess
import sys
from pathlib import Path

from fake_rats import Truth

RECIPE = "egs2/rats_chA/asr_with_enhancement"


def run(script: str, repo_root: Path, env: dict, *words: object) -> str:
    """Run a script of the recipe; what it printed, after the exit code."""
    done = subprocess.run(
        [sys.executable, repo_root / RECIPE / "local" / script, *map(str, words)],
        env=env,
        capture_output=True,
        text=True,
    )
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


class Prepared:
    """A tree, and what the two scripts made of it."""

    def __init__(self, folder: Path, repo_root: Path, env: dict, truth: Truth):
        self.truth, self.repo_root, self.env = truth, repo_root, env
        self.work, self.data = folder / "work", folder / "data"

    def prepare(self, *words: object) -> str:
        corpora = ["--rats", self.truth.rats, "--fisher", self.truth.fisher]
        where = ["--work_dir", self.work, *words]
        return run("prepare_rats.py", self.repo_root, self.env, *corpora, *where)

    def sets(self, *words: object) -> str:
        where = ["--work_dir", self.work, "--data_dir", self.data, *words]
        return run("make_sets.py", self.repo_root, self.env, *where)

    def report(self) -> dict[str, dict[str, str]]:
        with (self.work / "link_report.tsv").open() as file:
            return {row["src_id"]: row for row in csv.DictReader(file, delimiter="\t")}

    def table(self, name: str) -> dict[str, dict[str, str]]:
        """A table of each set."""
        tables = {}
        for path in sorted(self.data.iterdir()):
            lines = (path / name).read_text().splitlines()
            tables[path.name] = dict(line.split(maxsplit=1) for line in lines)
        return tables

    def joined(self, name: str) -> dict[str, str]:
        return {k: v for table in self.table(name).values() for k, v in table.items()}
