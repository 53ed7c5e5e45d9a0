"""Measures the house: how long, in which rooms, and what stands where it must not.

    python tests/house.py [CHECKOUT ...]

prints a column for each checkout, this one without an argument. The table of
docs/house.md is made so; ``test_house.py`` holds this checkout to it.
"""

import ast
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PRODUCT = ("espnet2", "egs2", "tools")
KINDS = (".py", ".pl", ".sh", ".yaml", ".html", ".css", ".js", ".conf", ".in")
NAMES = ("Makefile", "Snakefile")
MAX_FILE, MAX_FUNCTION = 150, 30
METHODS = {
    *("remedy", "sum", "asr_only", "one_way", "pcgrad", "gradvac", "cagrad", "mgda"),
    *("imtlg", "upgrad", "aligned_mtl", "fairgrad", "d4am"),
}
# By what each is known in the code.
ONCE = {
    "readers of Kaldi tables": ("def read_table(",),
    "aligners": ("jiwer.process_words(",),
    "readers of score.json": ("def _read_sums(", "def read_counts("),
    "files with a bootstrap": ("def paired_bootstrap(", "import bootstrap"),
    "readers of results.tsv": ("csv.DictReader(",),
    "`sys.path` changed": ("sys.path.insert", "sys.path["),
}


def product_files(root: Path) -> list[Path]:
    """The product's own files: no links, no data, no prose, no tests."""
    listed = subprocess.check_output(["git", "ls-files", *PRODUCT], cwd=root, text=True)
    paths = (root / name for name in listed.splitlines())
    return [
        path
        for path in paths
        if (path.suffix in KINDS or path.name in NAMES)
        and path.is_file()
        and not path.is_symlink()
    ]


def lines(path: Path) -> int:
    """Lines of a file."""
    return path.read_text().count("\n")


def holding(root: Path, words: tuple[str, ...]) -> list[str]:
    """Return the product's files in which one of some words stands."""
    return [
        str(path.relative_to(root))
        for path in product_files(root)
        if any(word in path.read_text() for word in words)
    ]


def is_python(path: Path) -> bool:
    """Python also hides under Kaldi's names (.pl)."""
    return path.suffix == ".py" or (
        path.suffix == ".pl" and "python" in path.read_text().split("\n", 1)[0]
    )


def function_lengths(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each function and its lines, without its signature and its docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[ast.get_docstring(node) is not None :]
            yield node.name, node.end_lineno - body[0].lineno + 1 if body else 0


def whole_lengths(path: Path) -> list[int]:
    """Return the lines of each function with all that belongs to it."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = ast.walk(ast.parse(path.read_text()))
    return [n.end_lineno - n.lineno + 1 for n in nodes if isinstance(n, functions)]


def room_of(module: str) -> str:
    """``espnet2.train.x`` is in ``train``, ``espnet2.plain_data`` in itself."""
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> Iterator[str]:
    """Yield the modules of espnet2 that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "espnet2."
        ):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("espnet2."))


def room_imports(root: Path) -> set[tuple[str, str]]:
    """Return (room, room that it imports from) of all rooms of ``espnet2``."""
    ours = {
        ".".join(path.relative_to(root).with_suffix("").parts): path
        for path in (root / "espnet2").rglob("*.py")
    }
    pairs = {
        (room_of(module), room_of(other))
        for module, path in ours.items()
        for other in imports(path)
        if other in ours
    }
    return {(room, other) for room, other in pairs if room and room != other}


def imports_up(root: Path) -> int:
    """Return how many pairs of rooms import from each other."""
    pairs = room_imports(root)
    return sum(pair[::-1] in pairs for pair in pairs) // 2


def name_comparisons(root: Path) -> list[str]:
    """Places of espnet2 that compare with a gradient method's name."""
    found = []
    for path in (root / "espnet2").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                constants = [n for n in ast.walk(node) if isinstance(n, ast.Constant)]
                if METHODS & {str(constant.value) for constant in constants}:
                    found.append(f"{path.relative_to(root)}:{node.lineno}")
    return found


def spread(lengths: list[int]) -> str:
    """Median, 90th percentile and maximum."""
    tenths = statistics.quantiles(lengths, n=10, method="inclusive")
    return f"{statistics.median(lengths):.0f} / {tenths[-1]:.0f} / {max(lengths)}"


def measure(root: Path) -> dict[str, str]:
    """Return what the table says of a checkout."""
    files = product_files(root)
    python = [path for path in files if is_python(path)]
    functions = [n for path in python for _, n in function_lengths(path)]
    rooms = Counter(
        path.relative_to(root / "espnet2").parts[0].removesuffix(".py")
        for path in python
        if path.is_relative_to(root / "espnet2") and path.name != "__init__.py"
    )
    once = {name: str(len(holding(root, words))) for name, words in ONCE.items()}
    return {
        "product files": str(len(files)),
        "product lines": str(sum(map(lines, files))),
        "Python modules: lines, median / p90 / max": spread(list(map(lines, python))),
        f"Python modules over {MAX_FILE} lines": str(
            sum(lines(path) > MAX_FILE for path in python)
        ),
        "functions: lines, median / p90 / max": spread(functions),
        "with signature and docstring": spread(
            [length for path in python for length in whole_lengths(path)]
        ),
        f"functions over {MAX_FUNCTION} lines": str(
            sum(n > MAX_FUNCTION for n in functions)
        ),
        "modules of `espnet2` by room": ", ".join(
            f"{room} {count}" for room, count in sorted(rooms.items())
        ),
        "pairs of rooms that import from each other": str(imports_up(root)),
        "comparisons with a method's name": str(len(name_comparisons(root))),
        **once,
    }


def main(roots: list[str]) -> None:
    """Print a markdown table."""
    columns = [measure(Path(root).resolve()) for root in roots]
    print("|", " | ".join(["", *roots]), "|")
    print("|---" * (1 + len(roots)) + "|")
    for name in columns[0]:
        print("|", " | ".join([name, *(column[name] for column in columns)]), "|")


if __name__ == "__main__":
    main(sys.argv[1:] or ["."])
