"""Keeps three noises of upstream's imports from the user's screen.

Importing an ESPnet2 task (1) downloads NLTK data that only English
grapheme-to-phoneme conversion reads, or complains and waits without a network;
(2) prints that the optional flash-attn is absent; (3) warns of PyTorch's renamed
``autocast``. No recipe here is concerned by any of them. What is printed goes to
the debug log; a user of that conversion is told by NLTK, when it is first used,
what to download.
"""

import contextlib
import importlib.abc
import importlib.machinery
import io
import logging
import sys
import warnings
from collections.abc import Sequence
from types import ModuleType
from unittest import mock

NOISY_MODULES = (
    "espnet.nets.pytorch_backend.transformer.attention",
    "g2p_en.g2p",
)


class _QuietLoader(importlib.abc.Loader):
    """Runs a module as its own loader does, with prints and downloads held back."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self.loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        printed = io.StringIO()
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(printed))
            if module.__name__ == "g2p_en.g2p":
                stack.enter_context(mock.patch("nltk.download"))
            self.loader.exec_module(module)
        if printed.getvalue():
            logging.getLogger(module.__name__).debug(printed.getvalue().strip())


class _QuietFinder(importlib.abc.MetaPathFinder):
    """Gives the noisy modules a quiet loader and leaves all others alone."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in NOISY_MODULES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _QuietLoader(spec.loader)
        return spec


def install() -> None:
    """Hold the noises back from here on; a second call changes nothing."""
    if not any(isinstance(finder, _QuietFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _QuietFinder())
    warnings.filterwarnings(
        "ignore",
        message=r"`torch\.cuda\.amp\.autocast",
        category=FutureWarning,
        module=r"espnet2\.",
    )
