#!/usr/bin/env python3
"""Train a joint SE and ASR model with a chosen gradient method."""

from espnet2.tasks.gradient_remedy import GradientRemedyTask


def main(cmd: list[str] | None = None) -> None:
    """Run upstream's joint training with our model and trainer.

    Example:
        % python -m espnet2.bin.gradient_remedy_train --print_config
        % python -m espnet2.bin.gradient_remedy_train --config conf/train.yaml ...
    """
    GradientRemedyTask.main(cmd=cmd)


if __name__ == "__main__":
    main()
