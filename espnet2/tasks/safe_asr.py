"""Task: upstream's recogniser with the interruptible trainer."""

from espnet2.tasks.asr import ASRTask
from espnet2.tasks.interruptible import InterruptibleTask


class SafeASRTask(InterruptibleTask, ASRTask):
    """Upstream's ASR training, of which neither a crash nor a scheduler takes much."""
