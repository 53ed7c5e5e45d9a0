#!/usr/bin/env python3
"""Print the recogniser's part of a joint training config, as ``asr_train`` wants it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import yaml

from espnet2.data_dir.tables import DataError, run_cli
from espnet2.tasks.layered_config import read_config

# What only the joint training knows, and what names its parameters.
JOINT_ONLY = (
    *("enh_", "gradient_", "shared_params", "model_conf", "calc_enh_loss"),
    *("st_", "diar_", "subtask_series", "text_name", "src_", "init_param"),
    "ignore_init_mismatch",
)
FROZEN, RECOGNISER = "freeze_param", "s2t_model."


def main(arguments: Sequence[str]) -> None:
    """Print the config."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("joint", type=Path, help="config of the joint training")
    path = parser.parse_args(arguments).joint
    try:
        joint = read_config(path)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None
    kept = {k: v for k, v in joint.items() if not k.startswith(JOINT_ONLY)}
    asr = {key.removeprefix("asr_"): value for key, value in kept.items()}
    frozen = [name for name in asr.pop(FROZEN, []) if name.startswith(RECOGNISER)]
    if frozen:
        asr[FROZEN] = [name.removeprefix(RECOGNISER) for name in frozen]
    print(yaml.safe_dump(asr), end="")


if __name__ == "__main__":
    run_cli(main)
