"""What is said of a batch that does not fit together."""

from torch import Tensor


def check_reference(reference: Tensor, speech: Tensor, utt_id: list[str]) -> None:
    """Raise ValueError unless the clean reference goes with the noisy speech.

    Args:
        reference: (batch, samples), or (batch, samples, channels) if the speech has
            several, too.
        speech: (batch, samples) or (batch, samples, channels).
        utt_id: names of the utterances.
    """
    fits = reference.shape[:2] == speech.shape[:2]
    if fits and reference.dim() <= speech.dim():
        return
    what, hint = "is not as long as speech", ""
    if fits:
        what = "has not as many channels as speech"
        hint = "; choose one with --ref_channel of run.sh"
    raise ValueError(
        f"speech_ref1 {tuple(reference.shape)} {what} {tuple(speech.shape)} in the "
        f"batch of {some_names(utt_id)}{hint}"
    )


def some_names(utt_id: list[str]) -> str:
    """Return the first few of a batch's utterance ids."""
    return ", ".join(utt_id[:3]) + (" ..." if len(utt_id) > 3 else "")
