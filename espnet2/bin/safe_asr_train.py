#!/usr/bin/env python3
"""Train a recogniser as upstream does, with checkpoints that survive a crash."""

from espnet2.tasks.safe_asr import SafeASRTask


def get_parser():
    """Return the command line's parser."""
    return SafeASRTask.get_parser()


def main(cmd: list[str] | None = None) -> None:
    """Run upstream's ASR training with the interruptible trainer.

    Example:
        % python -m espnet2.bin.safe_asr_train --config conf/train_asr.yaml ...
    """
    SafeASRTask.main(cmd=cmd)


if __name__ == "__main__":
    main()
