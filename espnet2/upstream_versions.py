"""What differs between the ESPnet versions that this repository extends.

All code that asks for a version's own is here; ``docs/compat.md`` has the versions that
are tested.
"""

import importlib
import importlib.util
from types import ModuleType

# The package of networks: it moved in 202611.
NETS = (
    "espnet2.legacy.nets"
    if importlib.util.find_spec("espnet2.legacy")
    else "espnet.nets"
)


def nets(module: str) -> ModuleType:
    """Import a module of upstream's networks, ``pytorch_backend.rnn.encoders`` say."""
    return importlib.import_module(f"{NETS}.{module}")


def option(options: object, name: str) -> object:
    """Return an option of upstream's trainer; None where this version lacks it.

    ``ddp_comm_hook`` came after 202412.
    """
    return getattr(options, name, None)
