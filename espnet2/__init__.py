"""Overlay of the installed ``espnet2``: this folder holds new modules only."""

import sys
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
# Of a checkout of ESPnet that was installed by `pip install -e`, only an import hook
# knows where it is.
for _finder in sys.meta_path:
    _spec = getattr(_finder, "find_spec", lambda *_: None)(__name__, None)
    for _folder in (_spec and _spec.submodule_search_locations) or ():
        if _folder not in __path__:
            __path__.append(_folder)

from espnet import __version__  # noqa: E402,F401  (as upstream's own file does)

from espnet2 import quiet_imports  # noqa: E402

quiet_imports.install()
