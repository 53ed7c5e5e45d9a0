#!/usr/bin/env python3
"""Train a recogniser as upstream does, with checkpoints that survive a crash."""

import argparse

from espnet2.asr.espnet_model import ESPnetASRModel
from espnet2.enh.frozen_front_ends import passing_front_ends
from espnet2.interruptible.task import InterruptibleTask
from espnet2.tasks.asr import ASRTask


class InterruptibleASRTask(InterruptibleTask, ASRTask):
    """Upstream's ASR training, of which neither a crash nor a scheduler takes much."""

    @classmethod
    def build_model(cls, args: argparse.Namespace) -> ESPnetASRModel:
        """Return upstream's model; with a frozen Whisper it trains on several GPUs."""
        with passing_front_ends():
            return super().build_model(args)


def main(cmd: list[str] | None = None) -> None:
    """Run upstream's ASR training with the interruptible trainer.

    Example:
        % python -m espnet2.bin.interruptible_asr_train --config conf/train_asr.yaml ...
    """
    InterruptibleASRTask.main(cmd=cmd)


if __name__ == "__main__":
    main()
