#!/usr/bin/env python3
"""Print the recogniser's part of a joint training config, as ``asr_train`` wants it."""

import argparse
import sys
from pathlib import Path

import yaml

# What only the joint training knows, and what names its parameters.
JOINT_ONLY = (
    *("enh_", "gradient_", "shared_params", "model_conf", "calc_enh_loss"),
    *("st_", "diar_", "subtask_series", "text_name", "src_", "init_param"),
    *("freeze_param", "ignore_init_mismatch"),
)


def main() -> int:
    """Print the config; return 1 if the joint one cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("joint", type=Path, help="config of the joint training")
    path = parser.parse_args().joint
    try:
        joint = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(joint, dict):
            raise ValueError("expected lines of the form 'key: value'")
    except (OSError, ValueError, yaml.YAMLError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    print(yaml.safe_dump(asr_config(joint)), end="")
    return 0


def asr_config(joint: dict) -> dict:
    """Return the config of ``asr_train`` that stands in a joint config."""
    kept = {k: v for k, v in joint.items() if not k.startswith(JOINT_ONLY)}
    return {key.removeprefix("asr_"): value for key, value in kept.items()}


if __name__ == "__main__":
    sys.exit(main())
