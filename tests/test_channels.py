"""Speech of several microphones: the joint model's losses, and the data for it."""

import pytest
import tiny
import torch
from torch import Tensor

from espnet2.enh.channels import MULTI_CHANNEL, one_channel, one_spectrum
from espnet2.enh.espnet_enh_asr_model import ESPnetEnhASRModel
from espnet2.tasks.enh import separator_choices


def beamforming_model(**changes) -> ESPnetEnhASRModel:
    conf = {**tiny.BEAMFORMER, **changes}
    return tiny.tiny_model(enh_separator="wpe_beamformer", enh_separator_conf=conf)


def microphones(kind: str = "", count: int = 3) -> dict[str, Tensor]:
    """A batch whose speech reached ``count`` microphones, each with its own noise."""
    batch = tiny.batch(kind=kind)
    generator = torch.Generator().manual_seed(1)
    clean = batch["speech_ref1"].unsqueeze(-1)
    gains = torch.tensor([0.5, 1.0, 0.7, 0.6])[:count].double()
    noise = torch.randn(*clean.shape[:2], count, generator=generator).double() * 0.05
    return {**batch, "speech": clean * gains + noise * (clean != 0)}


@pytest.mark.parametrize("enh_loss", ["magnitude", "criterions"])
def test_both_losses_reach_the_masks_of_a_beamformer(enh_loss):
    model = beamforming_model()
    model.enh_loss = enh_loss
    output = model(**microphones())
    for name in ("loss_enh", "loss_asr"):
        found = tiny.gradients(model, model(**microphones())[name])
        masks = [g for n, g in found.items() if n.startswith("enh_model.separator")]
        assert masks and any(g.norm() > 0 for g in masks), name
        assert all(torch.isfinite(g).all() for g in masks)
    assert torch.isfinite(output["loss"])


def test_of_a_reference_with_channels_the_separators_one_counts():
    model, batch = beamforming_model().eval(), microphones()
    mono = model(**batch)["stats"]["loss_enh"]
    clean = batch["speech_ref1"]
    both = torch.stack([torch.zeros_like(clean), clean, 9 * clean], dim=-1)
    several = model(**{**batch, "speech_ref1": both})["stats"]["loss_enh"]
    torch.testing.assert_close(several, mono)


def test_clean_speech_goes_round_the_beamformer_by_the_reference_channel():
    model, batch = beamforming_model().eval(), microphones(kind="_CLEAN")
    several = model(**batch)["stats"]["loss_asr"]
    mono = model(**{**batch, "speech": batch["speech"][..., 1]})["stats"]["loss_asr"]
    torch.testing.assert_close(several, mono)


def test_a_dereverberation_that_keeps_the_channels_is_trained_on_one():
    """WPE alone puts out all of them; recogniser and loss take the reference's."""
    model = beamforming_model(use_beamformer=False, use_wpe=True, wunits=6, wprojs=6)
    output = model(**microphones())
    assert torch.isfinite(output["loss_enh"]) and torch.isfinite(output["loss_asr"])


def test_a_separator_for_one_channel_is_named():
    with pytest.raises(
        ValueError, match="3 channels, enh_separator RNNSeparator takes"
    ):
        tiny.tiny_model()(**microphones())
    mono = {**tiny.batch(), "speech_ref1": microphones()["speech"]}
    with pytest.raises(ValueError, match="has not as many channels as speech"):
        tiny.tiny_model()(**mono)


def test_the_names_of_separators_for_several_channels_are_upstreams():
    classes = {c.__name__: name for name, c in separator_choices.classes.items()}
    assert {name: classes[name] for name in MULTI_CHANNEL} == MULTI_CHANNEL


def test_a_channel_that_upstream_leaves_open_is_the_first():
    signal = torch.arange(24.0).reshape(2, 3, 4)
    assert one_channel(signal, -1).tolist() == signal[..., 0].tolist()
    assert one_channel(signal, 2).tolist() == signal[..., 2].tolist()
    spectrum = torch.arange(48.0).reshape(2, 3, 4, 2)
    assert one_spectrum(spectrum, 3).tolist() == spectrum[:, :, 3].tolist()
    assert one_spectrum(signal, 3) is signal
