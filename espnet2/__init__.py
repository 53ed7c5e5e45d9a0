"""Overlay of the installed ``espnet2``: this folder holds new modules only."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)

from espnet import __version__  # noqa: E402,F401  (as upstream's own file does)

from espnet2 import quiet_imports  # noqa: E402

quiet_imports.install()
