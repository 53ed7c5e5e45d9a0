"""The joint model: its two losses, its kinds of batches, its names."""

import pytest
import tiny
import torch

from espnet2.enh.frozen_modules import keep_frozen
from espnet2.enh.magnitude_loss import magnitude_loss
from espnet2.tasks.enh_s2t import EnhS2TTask


def test_magnitude_loss_worked_by_hand():
    enhanced = torch.tensor([[[3 + 4j, 1], [2j, 0]], [[1, 1], [9, 9]]])
    clean = torch.tensor([[[1, 1], [0, 0]], [[1, 3], [0, 0]]], dtype=torch.cfloat)
    # utterance 0: ((5-1)^2 + 2^2) / 2 frames = 10; utterance 1: 2^2 / 1 frame = 4
    loss = magnitude_loss(enhanced, clean, torch.tensor([2, 1]))
    assert loss.item() == pytest.approx(7.0)


def test_magnitude_loss_ignores_phase_and_padding_and_is_safe_at_zero():
    spectrum = torch.randn(2, 5, 3, dtype=torch.cfloat, requires_grad=True)
    clean = (spectrum * torch.exp(torch.tensor(1j))).detach()
    assert magnitude_loss(spectrum, clean, torch.tensor([5, 2])).item() < 1e-10
    zeros = torch.zeros(2, 5, 3, dtype=torch.cfloat, requires_grad=True)
    magnitude_loss(zeros, clean, torch.tensor([5, 2])).backward()
    assert torch.isfinite(zeros.grad).all()


def test_the_other_complex_tensors_give_the_same_finite_gradients():
    """With ``use_builtin_complex: false`` every zero bin's gradient was NaN.

    Padding and digital silence have such bins: 6 of 10 steps were skipped.
    """
    conf = {"n_fft": 64, "hop_length": 32, "use_builtin_complex": False}
    other = tiny.tiny_model(enh_encoder_conf=conf)
    batch = tiny.batch()
    batch["speech"][:, 500:900] = 0
    found, expected = (
        tiny.gradients(model, model(**batch)["loss_enh"])
        for model in (other, tiny.tiny_model())
    )
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name])


def test_magnitude_loss_refuses_unequal_shapes():
    with pytest.raises(ValueError, match=r"\(1, 4, 3\).*\(1, 5, 3\)"):
        magnitude_loss(torch.zeros(1, 4, 3), torch.zeros(1, 5, 3), torch.tensor([4]))


def test_loss_is_the_weighted_sum_of_the_two_reported_losses():
    output = tiny.tiny_model(enh_weight=0.2)(**tiny.batch())
    stats = output["stats"]
    expected = 0.8 * stats["loss_asr"] + 0.2 * stats["loss_enh"]
    torch.testing.assert_close(output["loss"].detach(), expected)
    torch.testing.assert_close(output["loss"], output["loss_asr"] + output["loss_enh"])
    assert output["weight"].tolist() == [4]


def test_asr_loss_and_criterions_equal_upstreams_model():
    changes = {"enh_loss": "criterions", "enh_weight": 0.5}
    ours = tiny.tiny_model(**changes).eval()
    theirs = EnhS2TTask.build_model(tiny.tiny_args(**changes)).double().eval()
    theirs.load_state_dict(ours.state_dict())
    output = ours(**tiny.batch())
    loss, stats, _ = theirs(**tiny.batch())
    torch.testing.assert_close(2 * output["loss"], loss)
    torch.testing.assert_close(output["stats"]["loss_asr"], stats["loss_asr"])
    torch.testing.assert_close(output["stats"]["loss_enh"], stats["loss_enh"])


def test_no_parameter_is_added_or_renamed():
    stock = EnhS2TTask.build_model(tiny.tiny_args())
    assert list(tiny.tiny_model().state_dict()) == list(stock.state_dict())


def test_a_real_batch_goes_through_the_se_module_without_its_loss():
    model = tiny.tiny_model()
    output = model(**tiny.batch(kind="_REAL"))
    assert output["loss_enh"] is None
    assert output["stats"]["loss_enh"].isnan()
    torch.testing.assert_close(output["loss"], output["loss_asr"])
    assert "enh_model.separator.linear.0.weight" in tiny.gradients(
        model, output["loss"]
    )


def test_a_clean_batch_goes_round_the_se_module():
    model = tiny.tiny_model()
    output = model(**tiny.batch(kind="_CLEAN"))
    assert output["loss_enh"] is None
    reached = tiny.gradients(model, output["loss"])
    assert not any(name.startswith("enh_model.") for name in reached)


def test_utterances_too_short_for_the_encoder_are_named():
    short = tiny.batch()
    for name in ("speech", "speech_ref1"):
        short[name] = short[name][:, :150]
        short[f"{name}_lengths"] = torch.full((4,), 150)
    with pytest.raises(ValueError, match="too short for the encoder.*utt0, utt1"):
        tiny.tiny_model()(**short)


def test_a_reference_of_another_length_is_an_error_that_names_utterances():
    wrong = tiny.batch()
    wrong["speech_ref1"] = wrong["speech_ref1"][:, :-10]
    with pytest.raises(ValueError, match="speech_ref1.*utt0"):
        tiny.tiny_model()(**wrong)


def test_a_reference_of_more_channels_than_the_speech_is_told_as_such():
    wrong = tiny.batch()
    wrong["speech_ref1"] = wrong["speech_ref1"][..., None].repeat(1, 1, 2)
    with pytest.raises(ValueError, match="not as many channels.*utt0.*--ref_channel"):
        tiny.tiny_model()(**wrong)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"enh_weight": 1.5}, "enh_weight"),
        ({"enh_loss": "mse"}, "enh_loss"),
        ({"enh_separator_conf": {"num_spk": 2, "layer": 1, "unit": 4}}, "num_spk"),
    ],
)
def test_a_wrong_option_is_an_error(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny.tiny_model(**changes)


def test_a_frozen_recogniser_neither_drops_out_nor_changes_its_statistics():
    conf = {**tiny.CONFIG["asr_encoder_conf"], "dropout_rate": 0.5}
    model = tiny.tiny_model(asr_encoder="conformer", asr_encoder_conf=conf)
    statistics = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm1d)]
    dropouts = [m for m in model.modules() if isinstance(m, torch.nn.Dropout)]
    assert statistics and dropouts
    assert all(m.training for m in (*statistics, *model.train().s2t_model.modules()))

    def losses() -> list[float]:
        return [model(**tiny.batch())["loss_asr"].item() for _ in range(2)]

    first, second = losses()
    assert first != second
    model.s2t_model.requires_grad_(False)
    model.train()
    before = statistics[0].running_mean.clone()
    first, second = losses()
    assert first == second and torch.equal(statistics[0].running_mean, before)
    assert model.enh_model.separator.training and model.s2t_model.training
    assert not model.s2t_model.encoder.training and not dropouts[-1].training
    model.s2t_model.requires_grad_(True)
    assert all(m.training for m in model.train().modules())


def test_a_frozen_recurrent_module_can_still_hand_gradients_on():
    """cuDNN refuses the backward pass of one in evaluation mode."""
    lstm = torch.nn.LSTM(3, 3, num_layers=2, dropout=0.5).requires_grad_(False)
    model = torch.nn.ModuleDict({"frozen": lstm, "free": torch.nn.Linear(3, 3)})
    keep_frozen(model.train())
    assert lstm.training and lstm.dropout == 0 and model["free"].training
