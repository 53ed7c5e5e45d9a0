"""A trained SE model works in upstream's programs as it did in our training."""

from torch.nn import Module

from espnet2.enh.channels import check_channels, count_channels, one_channel
from espnet2.enh.espnet_model import ESPnetEnhancementModel


def hear_as_trained(enh_model: ESPnetEnhancementModel) -> None:
    """Have an SE model's encoder and decoder do as in training, from here on.

    Speech with too few or too many channels raises ``check_channels``'s error. Of
    enhanced speech of several channels, as dereverberation and DC-CRN's masks give, the
    reference channel is handed on; upstream's recognisers would hear the first one. The
    sampling rate is not told, by which upstream's programs change the frames' length
    for separators of any rate, such as ``uses``.
    """

    def enter(encoder: Module, inputs: tuple, options: dict) -> tuple[tuple, dict]:
        check_channels(count_channels(inputs[0]), enh_model.separator)
        return without_rate(encoder, inputs, options)

    def leave(decoder: Module, inputs: tuple, output: tuple) -> tuple:
        return one_channel(output[0], enh_model.ref_channel), *output[1:]

    enh_model.encoder.register_forward_pre_hook(enter, with_kwargs=True)
    enh_model.decoder.register_forward_pre_hook(without_rate, with_kwargs=True)
    enh_model.decoder.register_forward_hook(leave)


def without_rate(
    module: Module, inputs: tuple, options: dict
) -> tuple[tuple, dict[str, object]]:
    """Return a module's inputs without ``fs``; a hook of PyTorch's."""
    return inputs, {name: value for name, value in options.items() if name != "fs"}
