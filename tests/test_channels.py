"""Speech of several microphones: the joint model's losses, and the data for it."""

import math

import pytest
import tiny
import torch
from torch import Tensor

from espnet2.enh.batch_checks import check_speech
from espnet2.enh.channels import (
    FIXED_ARRAY,
    MULTI_CHANNEL,
    heard_channels,
    one_channel,
    one_spectrum,
)
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
        ValueError, match="speech has 3 channels, enh_separator RNNSeparator takes one"
    ):
        tiny.tiny_model()(**microphones())
    mono = {**tiny.batch(), "speech_ref1": microphones()["speech"]}
    with pytest.raises(ValueError, match="has not as many channels as speech"):
        tiny.tiny_model()(**mono)


def test_what_has_nothing_to_do_on_one_channel_is_named():
    """A beamformer passed mono speech on, and no loss reached a parameter of it."""
    message = "one channel, enh_separator wpe_beamformer takes several.*multi_channel"
    with pytest.raises(ValueError, match=message):
        beamforming_model()(**tiny.batch())
    conf = {"use_wpe": True, "wlayers": 1, "wunits": 6, "wprojs": 6}
    output = beamforming_model(**conf)(**tiny.batch())
    assert torch.isfinite(output["loss"])


@pytest.mark.parametrize(
    ("name", "conf", "key"),
    [
        ("dc_crn", {"num_spk": 1, "input_channels": [8, 16, 32]}, "input_channels"),
        ("tfgridnet", {"n_imics": 4, "n_srcs": 1, "n_layers": 1}, "n_imics"),
        ("tfgridnetv2", {"n_imics": 4, "n_srcs": 1, "n_layers": 1}, "n_imics"),
        ("ineube", {"mic_channels": 4}, "mic_channels"),
    ],
)
def test_a_separator_for_another_number_of_channels_is_named(name, conf, key):
    separator = separator_choices.get_class(name)(33, **conf)
    assert heard_channels(separator) == (4, 4)
    check_speech(torch.zeros(1, 100, 4), separator)
    for speech, count in ((torch.zeros(1, 100, 3), "3 ch"), (torch.zeros(1, 9), "one")):
        with pytest.raises(
            ValueError, match=f"speech has {count}.* {name} .*4 .*{key}"
        ):
            check_speech(speech, separator)
    assert type(separator).__name__ in FIXED_ARRAY


USES = {"enc_channels": 4, "bottleneck_size": 4, "num_blocks": 1, "att_heads": 2}
WPE = {"use_wpe": True, "wlayers": 1, "wunits": 6, "wprojs": 6}


@pytest.mark.parametrize(
    ("name", "conf", "heard"),
    [
        ("rnn", {}, (1, 1)),
        ("global_mvn_blstm", {"unit": 4}, (1, 1)),
        ("tfgridnetv2", {"n_layers": 1}, (1, 1)),
        ("tfgridnetv3", {"n_layers": 1}, (1, 1)),
        ("wpe_beamformer", tiny.BEAMFORMER, (2, math.inf)),
        ("wpe_beamformer", {**tiny.BEAMFORMER, **WPE}, (1, math.inf)),
        ("wpe_beamformer", {**WPE, "use_beamformer": False}, (1, math.inf)),
        ("uses", {**USES, "num_spatial_blocks": 1}, (1, math.inf)),
    ],
)
def test_what_a_separator_hears(name, conf, heard):
    separator = separator_choices.get_class(name)(33, **conf)
    assert heard_channels(separator) == heard
    for channels in (1, 2, 7):
        speech = torch.zeros(1, 100, channels) if channels > 1 else torch.zeros(1, 100)
        if heard[0] <= channels <= heard[1]:
            check_speech(speech, separator)
        else:
            with pytest.raises(ValueError, match="enh_separator"):
                check_speech(speech, separator)


def test_a_reference_channel_that_the_speech_lacks_is_named():
    model = beamforming_model(ref_channel=4)
    with pytest.raises(
        ValueError, match="speech has 3 channels.* ref_channel: 4 .from 0"
    ):
        model(**microphones())


def test_masks_of_all_channels_want_the_clean_speech_of_all():
    """Labels of the other channels were made of one channel's clean speech."""
    masks = {"compute_on_mask": True, "mask_type": "PSM"}
    entry = {"name": "mse", "conf": masks, "wrapper": "fixed_order", "wrapper_conf": {}}
    conf = {"enh_separator_conf": tiny.BEAMFORMER, "enh_separator": "wpe_beamformer"}
    conf |= {"enh_criterions": [entry], "enh_loss": "criterions"}
    with pytest.raises(ValueError, match="MSE_on_PSM: wants speech_ref1 of all chann"):
        tiny.tiny_model(**conf)(**microphones())


def test_the_losses_of_a_beamformer_that_chooses_its_reference_take_the_first():
    model, batch = beamforming_model(ref_channel=-1).eval(), microphones()
    model.enh_loss = "criterions"
    clean = batch["speech_ref1"]
    both = torch.stack([clean, 0 * clean, 9 * clean], dim=-1)
    several = model(**{**batch, "speech_ref1": both})["loss_enh"]
    torch.testing.assert_close(several, model(**batch)["loss_enh"])


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
