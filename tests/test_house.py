"""The house stays in order: rooms, names and lengths, as docs/house.md says."""

from collections import Counter
from pathlib import Path

import house
import pytest

from espnet2.train.gradient_methods import METHODS

RULE = {"module": 180, "function": 30}  # lines at most, as CONTRIBUTING.md says


@pytest.fixture(scope="module")
def python_files(repo_root) -> list[Path]:
    if not (repo_root / ".git").exists():
        pytest.skip("the files are listed by git")
    return [path for path in house.product_files(repo_root) if house.is_python(path)]


def test_a_room_imports_only_from_rooms_below_it(repo_root, import_script):
    """The picture of the house has them in rows; bin was imported from below once."""
    rows = import_script("docs/draw_house.py").ROWS
    height = {room: n for n, rooms in enumerate(rows) for room in rooms}
    used = house.room_imports(repo_root)
    assert {room for pair in used for room in pair} <= height.keys()
    assert {"bin", "tasks", "train", "interruptible", "results"} <= height.keys()
    assert [pair for pair in used if height[pair[0]] <= height[pair[1]]] == []


def test_modules_outside_packages_have_names_of_their_own(repo_root, python_files):
    """One process of pytest imports many: a benchmark's report.py stood for CHiME-4's.

    The tests of CHiME-4's data failed, in those processes that had had the benchmark.
    """
    tests = (repo_root / "tests").glob("**/*.py")
    modules = [path for path in (*python_files, *tests) if path.suffix == ".py"]
    alone = [path for path in modules if not (path.parent / "__init__.py").exists()]
    names = Counter(path.name for path in alone if path.name != "conftest.py")
    assert [name for name, times in names.items() if times > 1] == []


def test_no_name_of_a_method_is_compared_with(repo_root):
    assert house.METHODS == METHODS.keys()
    assert house.name_comparisons(repo_root) == []


@pytest.mark.parametrize("name", house.ONCE)
def test_what_is_to_be_there_once_is(repo_root, name):
    if not (repo_root / ".git").exists():
        pytest.skip("the files are listed by git")
    found = house.holding(repo_root, house.ONCE[name])
    assert len(found) == (0 if "sys.path" in name else 1), found


def test_modules_and_functions_are_short(repo_root, python_files):
    long = [path for path in python_files if house.lines(path) > RULE["module"]]
    assert [str(path.relative_to(repo_root)) for path in long] == []
    functions = [
        f"{path.relative_to(repo_root)}: {name}"
        for path in python_files
        for name, lines in house.function_lengths(path)
        if lines > RULE["function"]
    ]
    assert functions == []


def test_a_breach_would_be_seen(tmp_path):
    room = tmp_path / "espnet2" / "train"
    (tmp_path / "espnet2" / "bin").mkdir(parents=True)
    room.mkdir()
    (tmp_path / "espnet2/bin/entry.py").write_text("")
    source = (
        "from espnet2.bin.entry import x\n\ndef f(m):\n\n    return m in ('sum', x)\n"
    )
    (room / "low.py").write_text(source)
    assert house.room_imports(tmp_path) == {("train", "bin")}
    assert house.name_comparisons(tmp_path) == ["espnet2/train/low.py:5"]
    assert list(house.function_lengths(room / "low.py")) == [("f", 1)]
