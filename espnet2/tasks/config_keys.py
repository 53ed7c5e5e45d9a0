"""Keys of a config that nothing knows, and which ones may be meant."""

import argparse
import difflib
import inspect
from collections.abc import Iterable, Mapping, Sequence

from espnet2.asr.espnet_model import ESPnetASRModel
from espnet2.enh.espnet_enh_s2t_model import ESPnetEnhS2TModel
from espnet2.enh.espnet_model import ESPnetEnhancementModel
from espnet2.tasks.enh import EnhancementTask
from espnet2.train.class_choices import ClassChoices
from espnet2.utils.get_default_kwargs import get_default_kwargs

PARTS = {"enh_": "of the SE module", "asr_": "of the recogniser"}
MODELS = {
    "model_conf": ("the joint model", ESPnetEnhS2TModel),
    "enh_model_conf": ("the SE module", ESPnetEnhancementModel),
    "asr_model_conf": ("the recogniser", ESPnetASRModel),
}
OF_A_LOSS = ("loss_type", "mask_type")
OLD = ("enh", "enh_conf")
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
    if key in OLD:
        return (
            f"{key}: of old SE configs; in its place are enh_encoder, enh_separator, "
            "enh_decoder and enh_criterions"
        )
    if any(action.dest == key for action in EnhancementTask.get_parser()._actions):
        return f"{key}: is an option of SE training alone; leave it out"
    return f"{key}: is no option{_hint(key, known)}; --print_config lists them"


def check_sub_keys(args: argparse.Namespace, choices: Sequence[ClassChoices]) -> None:
    """Raise ValueError for a key of ``<name>_conf`` that the chosen class has not.

    Args:
        args: the parsed options.
        choices: upstream's, of a task; a class that takes any key is not checked.
    """
    for name, (words, model) in MODELS.items():
        conf = getattr(args, name)
        if name == "model_conf" and (old := [key for key in OF_A_LOSS if key in conf]):
            raise ValueError(
                f"{name}: {old[0]}: says nothing in ESPnet 202511; leave it out and "
                "name the SE loss in enh_criterions"
            )
        _check_known(name, words, list(get_default_kwargs(model)), conf)
    for choice in choices:
        name = getattr(args, choice.name, None)
        conf = getattr(args, f"{choice.name}_conf", None)
        if name is None or not conf:
            continue
        words = f"{choice.name}: {name}"
        check_keys(f"{choice.name}_conf", words, choice.get_class(name), conf)


def check_keys(where: str, words: str, kind: type, conf: Mapping) -> None:
    """Raise ValueError for a key of ``conf`` that a class has not.

    Args:
        where: the place of ``conf`` in a config.
        words: what the class is called there.
        kind: the class; one that takes any key is not checked.
        conf: its keyword arguments.
    """
    parameters = inspect.signature(kind.__init__).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    _check_known(where, words, [word for word in parameters if word != "self"], conf)


def _check_known(where: str, words: str, known: list[str], conf: Mapping) -> None:
    for key in (key for key in conf if key not in known):
        has = f"it has {', '.join(known)}" if known else f"write  {where}: {{}}"
        raise ValueError(
            f"{where}: {key}: {words} has no such key{_hint(key, known)}; {has}"
        )


def _hint(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"; perhaps {close[0]}" if close else ""
