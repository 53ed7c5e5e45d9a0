"""Speech of several microphones: which separators hear it, and one channel of it."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from espnet2.enh.loss.wrappers.abs_wrapper import AbsLossWrapper
from espnet2.enh.separator.abs_separator import AbsSeparator

# Upstream's separators that are made for several channels, by their names in a config;
# all others are for one.
MULTI_CHANNEL = {
    "NeuralBeamformer": "wpe_beamformer",
    "FaSNetSeparator": "fasnet",
    "iNeuBe": "ineube",
    "DC_CRNSeparator": "dc_crn",
    "TFGridNet": "tfgridnet",
    "TFGridNetV2": "tfgridnetv2",
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


def count_channels(speech: Tensor) -> int:
    """Return of how many channels (batch, samples) or (batch, samples, channels) is."""
    return speech.shape[2] if speech.dim() == 3 else 1


def heard_channels(separator: AbsSeparator) -> tuple[int, float]:
    """Return the least and the largest number of channels that a separator hears.

    (1, 1) is one alone, (2, inf) several, of any number, and (1, inf) either; (n, n) is
    what it is built for: its first convolution takes real and imaginary parts of n.
    """
    kind = type(separator).__name__
    if kind in FIXED_ARRAY:
        layers = (m for m in separator.modules() if isinstance(m, torch.nn.Conv2d))
        number = next(layers).in_channels // 2
        return number, number
    if kind not in MULTI_CHANNEL:
        return 1, 1
    # A beamformer would hand one channel on as it is; dereverberation works on it.
    only_beamforms = kind == "NeuralBeamformer" and not separator.use_wpe
    return 2 if only_beamforms or kind == "FaSNetSeparator" else 1, math.inf


def check_channels(channels: int, separator: AbsSeparator) -> None:
    """Raise ValueError if a separator is not for speech of so many channels.

    The message goes behind what has them, such as a file's name.
    """
    kind = type(separator).__name__
    has = "has one channel" if channels == 1 else f"has {channels} channels"
    least, most = heard_channels(separator)
    if not least <= channels <= most:
        wanted = "several"
        if kind in FIXED_ARRAY:
            wanted = f"{least} ({FIXED_ARRAY[kind]} of enh_separator_conf)"
        elif most == 1:
            wanted = f"one; for several there are {', '.join(MULTI_CHANNEL.values())}"
        name = MULTI_CHANNEL.get(kind, kind)
        raise ValueError(f"{has}, enh_separator {name} takes {wanted}")
    reference = getattr(separator, "ref_channel", None) or 0
    if 1 < channels <= reference:
        raise ValueError(
            f"{has}, enh_separator_conf wants ref_channel: {reference} (from 0)"
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
