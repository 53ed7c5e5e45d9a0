"""Speech of several microphones: which separators take it, and one channel of it."""

from torch import Tensor

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


def check_channels(speech: Tensor, separator: AbsSeparator) -> None:
    """Raise ValueError if speech has several channels and its separator takes one.

    Args:
        speech: (batch, samples) or (batch, samples, channels).
        separator: upstream's.
    """
    kind = type(separator).__name__
    if speech.dim() == 3 and kind not in MULTI_CHANNEL:
        raise ValueError(
            f"speech has {speech.shape[2]} channels, enh_separator {kind} takes one; "
            f"choose one of {', '.join(MULTI_CHANNEL.values())}, or a channel of the "
            "data with --ref_channel of run.sh and no --multi_channel"
        )
