"""Command-line options that are the fields of a dataclass: each is said once."""

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

Options = TypeVar("Options")


def option(default: Any, text: str, choices: Sequence[str] | None = None) -> Any:
    """A field of a dataclass of options, with its help."""
    metadata = {"help": text, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


def add_options(parser: argparse.ArgumentParser, kind: type) -> None:
    """Add an option for each field of a dataclass, with its default and help."""
    for field in dataclasses.fields(kind):
        value = type(field.default)
        parser.add_argument(
            f"--{field.name}",
            type=_true_or_false if value is bool else value,
            default=field.default,
            choices=field.metadata["choices"],
            help=f"{field.metadata['help']} (default: {field.default})",
        )


def take_options(args: argparse.Namespace, kind: type[Options]) -> Options:
    """The dataclass from the parsed options that `add_options` has added."""
    return kind(**{f.name: getattr(args, f.name) for f in dataclasses.fields(kind)})


def _true_or_false(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"want true or false, not '{text}'")
    return text == "true"
