"""Keys of a config that nothing knows, and which ones may be meant."""

import argparse
import difflib
import inspect
from collections.abc import Iterable, Sequence

from espnet2.train.class_choices import ClassChoices

PARTS = {"enh_": "of the SE module", "asr_": "of the recogniser"}
NO_TRANSDUCER = (
    "ESPnet's joint task builds no transducers; asr_decoder: transformer, with CTC, is "
    "one that it builds"
)


def unknown_option(key: str, options: Iterable[str]) -> str:
    """Return what to say of a top-level key that is no option.

    A config of SE training alone has the keys of the SE module without ``enh_``, one
    of ASR training alone those of the recogniser without ``asr_``.
    """
    known = set(options)
    parts = [f"{part}_{key}" for part in ("enh", "asr") if f"{part}_{key}" in known]
    if parts:
        prefixes = " or ".join(f"{name[:4]} ({PARTS[name[:4]]})" for name in parts)
        return f"{key}: is no option; in joint training prefix with {prefixes}"
    if key == "joint_net_conf":
        return f"{key}: {NO_TRANSDUCER}"
    return f"{key}: is no option{_hint(key, known)}; --print_config lists them"


def check_sub_keys(args: argparse.Namespace, choices: Sequence[ClassChoices]) -> None:
    """Raise ValueError for a key of ``<name>_conf`` that the chosen class has not.

    Args:
        args: the parsed options.
        choices: upstream's, of a task; a class that takes any key is not checked.
    """
    for choice in choices:
        name = getattr(args, choice.name, None)
        conf = getattr(args, f"{choice.name}_conf", None)
        if name is None or not conf:
            continue
        parameters = inspect.signature(choice.get_class(name).__init__).parameters
        if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            continue
        for key in conf.keys() - parameters.keys():
            known = [word for word in parameters if word != "self"]
            raise ValueError(
                f"{choice.name}_conf: {key}: {choice.name}: {name} has no such key"
                f"{_hint(key, known)}; it has {', '.join(known)}"
            )


def _hint(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"; perhaps {close[0]}" if close else ""
