"""Keeps three noises of upstream's imports from the user's screen.

Importing an ESPnet2 task (1) downloads NLTK data that only English
grapheme-to-phoneme conversion reads, or complains and waits without a network;
(2) prints that the optional flash-attn is absent; (3) warns of PyTorch's renamed
``autocast``. No recipe here is concerned by any of them. What is printed goes to
the debug log; a user of that conversion is told by NLTK, when it is first used,
what to download.
"""

import contextlib
import functools
import importlib.machinery
import io
import logging
import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from unittest import mock

from espnet2.upstream_versions import NETS

G2P = "g2p_en.g2p"
NOISY_MODULES = (f"{NETS}.pytorch_backend.transformer.attention", G2P)


class _QuietFinder:
    """Finds the noisy modules, to be run quietly, and leaves all others alone."""

    @staticmethod
    def find_spec(name: str, *where: object) -> importlib.machinery.ModuleSpec | None:
        if name not in NOISY_MODULES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, *where)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module
            spec.loader.exec_module = functools.partial(_run_quietly, run)
        return spec


def _run_quietly(run: Callable[[ModuleType], None], module: ModuleType) -> None:
    """Run a module as its own loader does, with prints and downloads held back."""
    printed = io.StringIO()
    is_g2p = module.__name__ == G2P
    no_download = mock.patch("nltk.download") if is_g2p else contextlib.nullcontext()
    with contextlib.redirect_stdout(printed), no_download:
        run(module)
    if printed.getvalue():
        logging.getLogger(module.__name__).debug(printed.getvalue().strip())


def install() -> None:
    """Hold the noises back from here on; a second call changes nothing."""
    if _QuietFinder not in sys.meta_path:
        sys.meta_path.insert(0, _QuietFinder)
    warnings.filterwarnings(
        "ignore",
        message=r"`torch\.cuda\.amp\.autocast",
        category=FutureWarning,
        module=r"espnet2\.",
    )
