"""The environments of `make compat`: what is installed, and what the table says."""

import pytest


@pytest.fixture
def compat(import_script):
    return import_script("tools/compat.py")


@pytest.fixture
def texts(repo_root):
    names = ("requirements.in", "constraints.txt")
    return [(repo_root / "tools" / name).read_text() for name in names]


def test_another_torch_keeps_the_other_pins(compat, texts):
    versions = compat.Versions("3.11", "2.6.0", "202511")
    wanted = compat.requirements(versions, texts[0])
    assert "\ntorch==2.6.0\n" in wanted and "\nespnet==202511\n" in wanted
    assert "\npytest\n" in wanted and "shellcheck" not in wanted
    pins = compat.constraints(versions, texts[1])
    assert "\nnumpy==" in pins and "nvidia-" not in pins


def test_another_espnet_brings_its_own_pins(compat, texts):
    versions = compat.Versions("3.10", "2.6.0", "202412")
    wanted = compat.requirements(versions, texts[0])
    assert "\nespnet==202412\n" in wanted and "\nlibrosa\n" in wanted
    assert compat.constraints(versions, texts[1]) == ""


@pytest.mark.parametrize(
    ("last", "figures"),
    [
        ("294 passed in 60.12s (0:01:00)", ["294", "0", "0"]),
        ("2 failed, 7 passed, 1 skipped, 3 warnings in 1s", ["7", "2", "1"]),
        ("1 failed, 7 passed, 2 errors in 1s", ["7", "3", "0"]),
        ("1 error in 1s", ["0", "1", "0"]),
        ("Killed", ["0", "0", "0"]),
    ],
)
def test_the_figures_are_those_of_the_last_line(compat, last, figures):
    assert compat.counts(f"..F\nFAILED 9 passed\n{last}\n") == figures


def test_the_page_and_the_table_go_together(compat, repo_root):
    page = (repo_root / "docs/compat.md").read_text()
    assert compat.TABLE.search(page)
    for python, torch, espnet in compat.SETS:
        cells = f"| {python} | {torch} | "
        rows = [line for line in page.splitlines() if line.startswith(cells)]
        assert any(f"| {espnet} |" in line for line in rows)
    for name in compat.CORE:
        assert (repo_root / f"tests/test_{name}.py").is_file()


def test_uv_takes_packages_from_where_pip_does(compat, monkeypatch):
    """Behind a mirror no environment could be made."""
    calls = []
    monkeypatch.setattr(compat.pip_settings, "here", lambda: {"UV_INDEX": "https://m"})
    monkeypatch.setattr(
        compat.subprocess,
        "run",
        lambda words, **options: calls.append((words, options)),
    )
    compat._uv("venv", 3)
    ((words, options),) = calls
    assert words == ["uv", "venv", "3"]
    assert options["env"]["UV_INDEX"] == "https://m" and "PATH" in options["env"]
