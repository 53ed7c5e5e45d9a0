#!/usr/bin/env python3
"""Train a language model as upstream does, with checkpoints that survive a crash."""

from espnet2.interruptible.task import InterruptibleTask
from espnet2.tasks.lm import LMTask


class InterruptibleLMTask(InterruptibleTask, LMTask):
    """Upstream's LM training, of which neither a crash nor a scheduler takes much."""


def main(cmd: list[str] | None = None) -> None:
    """Run upstream's LM training with the interruptible trainer.

    Example:
        % python -m espnet2.bin.interruptible_lm_train --config conf/train_lm.yaml ...
    """
    InterruptibleLMTask.main(cmd=cmd)


if __name__ == "__main__":
    main()
