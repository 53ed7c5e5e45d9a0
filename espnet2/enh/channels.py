"""Speech of several microphones: which separators take it, and one channel of it."""

from collections.abc import Iterable

import torch
from torch import Tensor

from espnet2.enh.loss.wrappers.abs_wrapper import AbsLossWrapper
from espnet2.enh.separator.abs_separator import AbsSeparator

# Upstream's separators that are made for several channels, by their names in a config.
MULTI_CHANNEL = {
    "NeuralBeamformer": "wpe_beamformer",
    "FaSNetSeparator": "fasnet",
    "iNeuBe": "ineube",
    "DC_CRNSeparator": "dc_crn",
    "TFGridNet": "tfgridnet",
    "TFGridNetV2": "tfgridnetv2",
    "TFGridNetV3": "tfgridnetv3",
    "USESSeparator": "uses",
    "USES2Separator": "uses2",
}
# Those of them that are built for a number of channels, and the key that says it.
FIXED_ARRAY = {
    "DC_CRNSeparator": "half of the first of input_channels",
    "iNeuBe": "mic_channels",
    "TFGridNet": "n_imics",
    "TFGridNetV2": "n_imics",
}


def one_channel(signal: Tensor, channel: int) -> Tensor:
    """Return (batch, samples) of one channel.

    Args:
        signal: (batch, samples) or (batch, samples, channels).
        channel: which of several, from 0; -1, by which upstream lets a beamformer
            choose its reference itself, is the first.
    """
    return signal[..., max(channel, 0)] if signal.dim() == 3 else signal


def one_spectrum(spectrum: Tensor, channel: int) -> Tensor:
    """Return (batch, frames, dim) of one channel, as `one_channel`.

    Args:
        spectrum: (batch, frames, dim) or (batch, frames, channels, dim).
        channel: as of `one_channel`.
    """
    return spectrum[:, :, max(channel, 0)] if spectrum.dim() == 4 else spectrum


def microphones(separator: AbsSeparator) -> int | None:
    """Return for how many channels a separator is built; None if any number will do.

    Its first convolution takes their real and imaginary parts.
    """
    if type(separator).__name__ not in FIXED_ARRAY:
        return None
    convolutions = (m for m in separator.modules() if isinstance(m, torch.nn.Conv2d))
    return next(convolutions).in_channels // 2


def check_channels(speech: Tensor, separator: AbsSeparator) -> None:
    """Raise ValueError if a separator is not for speech of so many channels.

    Args:
        speech: (batch, samples) or (batch, samples, channels).
        separator: upstream's.
    """
    kind = type(separator).__name__
    is_beamformer = kind == "NeuralBeamformer" and not separator.use_wpe
    if speech.dim() == 2 and (is_beamformer or kind == "FaSNetSeparator"):
        raise ValueError(
            f"speech has one channel, enh_separator {MULTI_CHANNEL[kind]} wants more; "
            "run.sh keeps them with --multi_channel true"
        )
    if speech.dim() == 3 and kind not in MULTI_CHANNEL:
        raise ValueError(
            f"speech has {speech.shape[2]} channels, enh_separator {kind} takes one; "
            f"choose one of {', '.join(MULTI_CHANNEL.values())}, or a channel of the "
            "data with --ref_channel of run.sh and no --multi_channel"
        )
    channels = speech.shape[2] if speech.dim() == 3 else 1
    if (wanted := microphones(separator)) not in (None, channels):
        raise ValueError(
            f"speech has {channels} channels, enh_separator_conf is for {wanted} "
            f"({FIXED_ARRAY[kind]})"
        )
    reference = getattr(separator, "ref_channel", None) or 0
    if speech.dim() == 3 and reference >= channels:
        raise ValueError(
            f"enh_separator_conf: ref_channel: {reference}: speech has {channels} "
            "channels, counted from 0"
        )


def check_labels(
    reference: Tensor, spectrum: Tensor, wrappers: Iterable[AbsLossWrapper]
) -> None:
    """Raise ValueError if a criterion lacks the clean speech at each microphone.

    What is computed on masks compares every channel's mask with the clean speech there;
    that of another microphone has another phase.

    Args:
        reference: (batch, samples) or (batch, samples, channels), clean.
        spectrum: (batch, frames, dim) or (batch, frames, channels, dim), noisy.
        wrappers: upstream's, of the criterions.
    """
    on_masks = [w for w in wrappers if getattr(w.criterion, "compute_on_mask", False)]
    if on_masks and spectrum.dim() == 4 and reference.dim() == 2:
        raise ValueError(
            f"enh_criterions: {on_masks[0].criterion.name}: wants speech_ref1 of all "
            "channels; with that of one take a criterion of speech, as si_snr or ci_sdr"
        )
