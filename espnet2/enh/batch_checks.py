"""What is said of a batch that does not fit together."""

import contextlib
from collections.abc import Iterator

from torch import Tensor

from espnet2.enh.channels import check_channels, count_channels
from espnet2.enh.separator.abs_separator import AbsSeparator
from espnet2.upstream_versions import nets

TooShortUttError = nets("pytorch_backend.transformer.subsampling").TooShortUttError


def check_speech(speech: Tensor, separator: AbsSeparator) -> None:
    """Raise ValueError if a separator is not for the noisy speech's channels.

    Args:
        speech: (batch, samples) or (batch, samples, channels).
        separator: of the SE model.
    """
    try:
        check_channels(count_channels(speech), separator)
    except ValueError as error:
        raise ValueError(
            f"speech {error}; run.sh keeps all channels with --multi_channel true, and "
            "takes one with --ref_channel alone"
        ) from None


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


@contextlib.contextmanager
def naming_too_short(utt_id: list[str]) -> Iterator[None]:
    """In a with block, have ValueError say which utterances an encoder finds too short.

    Args:
        utt_id: names of the batch's utterances.
    """
    try:
        yield
    except TooShortUttError as error:
        raise ValueError(
            f"utterances too short for the encoder ({error.actual_size} frames, at "
            f"least {error.limit + 1} are needed): {some_names(utt_id)}; raise "
            "--min_wav_duration of stage 4"
        ) from error


def some_names(utt_id: list[str]) -> str:
    """Return the first few of a batch's utterance ids."""
    return ", ".join(utt_id[:3]) + (" ..." if len(utt_id) > 3 else "")
