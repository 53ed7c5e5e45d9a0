"""What can be known to be wrong before a model is built or a batch is read."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from espnet2.tasks.config_keys import NO_TRANSDUCER, unknown_option
from espnet2.tasks.front_end_checks import check_front_end
from espnet2.tasks.se_module_checks import check_se_module
from espnet2.train.gradient_methods import method_class
from espnet2.train.trainer_gradient_remedy import check_averaging

_NUMBERS = {int: (int,), float: (int, float)}


def config_path(cmd: Sequence[str] | None) -> Path | None:
    """Return the file of ``--config``, or None if there is none to be read."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", type=Path)
    path = parser.parse_known_args(cmd)[0].config
    return path if path is not None and path.is_file() else None


def check_config_types(config: dict, parser: argparse.ArgumentParser) -> None:
    """Raise ValueError for a value of a config file that its option cannot take.

    Upstream takes any type from a file. Checked are unknown keys, whole and real
    numbers, choices, and numbers like ``1e-3``, which YAML 1.1 reads as text (it wants
    ``1.0e-3``).
    """
    actions = {action.dest: action for action in parser._actions}
    for key, value in config.items():
        action = actions.get(key)
        if action is None:
            raise ValueError(unknown_option(key, actions))
        _check_number_text(key, value)
        wanted = _NUMBERS.get(action.type)
        is_wrong = isinstance(value, bool) or not isinstance(value, wanted or object)
        if wanted and value is not None and is_wrong and action.nargs is None:
            name = "whole number" if action.type is int else "number"
            raise ValueError(f"{key}: {value!r}: expected a {name}")
        allowed = (*(action.choices or ()), action.default)
        if action.choices and action.nargs is None and value not in allowed:
            choices = ", ".join(map(str, action.choices))
            raise ValueError(f"{key}: {value!r}: expected one of {choices}")


def _check_number_text(key: str, value: object) -> None:
    """Raise ValueError if text anywhere under ``key`` looks like 1e-3."""
    if isinstance(value, dict):
        for child, inner in value.items():
            _check_number_text(f"{key}: {child}", inner)
    elif isinstance(value, list):
        for inner in value:
            _check_number_text(key, inner)
    elif isinstance(value, str) and "e" in value.lower():
        try:
            number = float(value)
        except ValueError:
            return
        raise ValueError(
            f"{key}: {value!r} is text for YAML; write the number as {number:.10f}"
        )


def check_arguments(args: argparse.Namespace) -> None:
    """Raise ValueError for options that contradict each other or the data.

    Checked are the subtasks, the decoder, the front end, the SE module, its loss and
    their weight, who averages gradients over ranks, that there is a GPU if one is
    wanted, that utterances are whole, and that a method that needs an SE loss has clean
    references for some training utterances.
    """
    check_averaging(args)
    check_front_end(vars(args))
    check_se_module(args)
    if list(args.subtask_series) != ["enh", "asr"]:
        raise ValueError(
            f"subtask_series: {args.subtask_series}: this task is for enh asr"
        )
    if args.asr_decoder == "transducer":
        raise ValueError(f"asr_decoder: transducer: {NO_TRANSDUCER}")
    if args.ngpu > 0 and not torch.cuda.is_available():
        raise ValueError(
            f"ngpu: {args.ngpu}: PyTorch finds no GPU here; --ngpu 0 trains on the CPU"
        )
    if args.iterator_type == "chunk":
        raise ValueError(
            "iterator_type: chunk: parts the speech from its text; leave it out"
        )
    if args.collect_stats or not method_class(args.gradient_method).wants_enh:
        return
    method = f"gradient_method: {args.gradient_method}"
    if args.enh_weight == 0:
        raise ValueError(f"enh_weight: 0 leaves no SE loss for {method}; use asr_only")
    if not args.model_conf.get("calc_enh_loss", True):
        raise ValueError(
            f"model_conf: calc_enh_loss: false leaves no SE loss for {method}; "
            "use asr_only"
        )
    _check_references(args, method)


def _check_references(args: argparse.Namespace, method: str) -> None:
    """Raise ValueError if no training utterance has a clean reference."""
    data = args.train_data_path_and_name_and_type
    names = [name for _, name, _ in data]
    if data and "speech_ref1" not in names:
        raise ValueError(
            f"{method} needs clean references: add --train_data_path_and_name_and_type "
            "<data>/spk1.scp,speech_ref1,sound"
        )
    if not args.train_shape_file:
        return
    path = Path(args.train_shape_file[0])
    with path.open(encoding="utf-8") as file:
        ids = (line.split(maxsplit=1)[0] for line in file if line.strip())
        if not all(utt_id.endswith(("REAL", "CLEAN")) for utt_id in ids):
            return
    raise ValueError(
        f"{method} needs clean references: every utterance id in {path} ends in REAL "
        "or CLEAN, which have none; add simulated data or use gradient_method: asr_only"
    )
