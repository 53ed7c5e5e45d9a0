"""The small recipe of these tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from small_recipe import SmallRecipe


@pytest.fixture(scope="module")
def new_recipe(repo_root, own_process_env, repo_env) -> Callable[[Path], SmallRecipe]:
    """A function that makes a small recipe in a folder."""
    return lambda folder: SmallRecipe(folder, repo_root, own_process_env, repo_env)
