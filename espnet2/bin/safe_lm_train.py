#!/usr/bin/env python3
"""Train a language model as upstream does, with checkpoints that survive a crash."""

from espnet2.tasks.safe_lm import SafeLMTask


def get_parser():
    """Return the command line's parser."""
    return SafeLMTask.get_parser()


def main(cmd: list[str] | None = None) -> None:
    """Run upstream's LM training with the interruptible trainer.

    Example:
        % python -m espnet2.bin.safe_lm_train --config conf/train_lm.yaml ...
    """
    SafeLMTask.main(cmd=cmd)


if __name__ == "__main__":
    main()
