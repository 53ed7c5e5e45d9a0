"""Task: upstream's language models with the interruptible trainer."""

from espnet2.tasks.interruptible import InterruptibleTask
from espnet2.tasks.lm import LMTask


class SafeLMTask(InterruptibleTask, LMTask):
    """Upstream's LM training, of which neither a crash nor a scheduler takes much."""
