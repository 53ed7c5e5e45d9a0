"""A headless Chromium for the tests of the page of results."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_results import ODD_SNR, ODD_TEXTS, FakeRecipe

from espnet2.bin.result_page import main


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's Chromium, without a window; tests are skipped where it is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="no playwright")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on PATH (Debian: apt-get install chromium)")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two experiments and two sets, with hostile and overlong texts."""
    root = tmp_path_factory.mktemp("recipe")
    recipe = FakeRecipe(root)
    for name in ("test", "other"):
        recipe.add_set({key: said for key, (said, _) in ODD_TEXTS.items()}, name)
        for exp in ("one", "two"):
            heard = {key: text for key, (_, text) in ODD_TEXTS.items()}
            recipe.decode(exp, heard, name)
            after = {key: snr + 1 for key, snr in ODD_SNR.items()}
            recipe.enhance(exp, ODD_SNR, after, name)
    recipe.train("one")
    page = root / "a report.html"
    exps = [str(recipe.exp(name)) for name in ("one", "two")]
    options = ["--dumpdir", str(recipe.dump), "--output", str(page)]
    main([*exps, *options])
    return page
