"""An SE module that joint training cannot have is refused before it is built."""

import pytest
import tiny

from espnet2.tasks.se_module_checks import check_se_module

BLSTM = tiny.CONFIG["enh_separator_conf"]


def criterion(name: str = "si_snr", **changes) -> dict:
    entry = {"name": name, "conf": {}, "wrapper": "fixed_order", "wrapper_conf": {}}
    return {"enh_criterions": [{**entry, **changes}]}


def separator(name: str, **conf) -> dict:
    return {"enh_separator": name, "enh_separator_conf": conf}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        criterion(wrapper="pit", wrapper_conf={"weight": 0.5}),
        {
            "enh_criterions": [
                {**criterion()["enh_criterions"][0], "conf": {"eps": 1.0}}
            ]
        },
        separator("wpe_beamformer", loss_type="spectrum"),
        separator("tfgridnetv2", n_srcs=1),
        separator("ineube", mic_channels=2),
    ],
)
def test_what_can_be_trained_is_let_through(changes):
    check_se_module(tiny.tiny_args(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (separator("rnn", num_spk=2), "enh_separator_conf: num_spk: 2: expected 1"),
        (separator("dprnn"), "enh_separator_conf: num_spk: 2: expected 1"),
        (separator("fasnet"), "enh_separator_conf: num_spk: is missing: expected 1"),
        (separator("tfgridnetv2", n_srcs=2), "conf: n_srcs: 2: expected 1"),
        (separator("ineube", n_spk=3), "conf: n_spk: 3: expected 1"),
        (
            separator("ineube"),
            "conf: mic_channels: 1: ineube is for several; write how",
        ),
        (
            separator("wpe_beamformer", loss_type="mask_mse"),
            "loss_type: mask_mse: hands on no speech while it trains; write spectrum",
        ),
        (separator("wpe_beamformer"), "loss_type: mask_mse"),
        (separator("dpcl", num_spk=1), "enh_separator: dpcl: hands on no speech"),
        (separator("dan", num_spk=1), "enh_separator: dan: wants the references"),
        (separator("svoice", num_spk=1), "enh_separator: svoice: hands on the speech"),
        (
            {"enh_model_conf": {"normalize_variance": True}},
            "enh_model_conf: normalize_variance: True: does nothing in joint training",
        ),
        (criterion("t_mse"), "enh_criterions: name: t_mse: expected one of ci_sdr, "),
        (criterion(wrapper="fixed"), "wrapper: fixed: expected one of pit, fixed_ord"),
        (
            criterion(conf={"filter_len": 8}),
            "enh_criterions: conf: filter_len: name: si_snr has no such key",
        ),
        (
            criterion(wrapper_conf={"wait": 1}),
            "wrapper_conf: wait: wrapper: fixed_order has no such key; perhaps weight",
        ),
        (
            {"enh_criterions": [{"name": "si_snr", "wrapper": "fixed_order"}]},
            "enh_criterions: si_snr: write  wrapper_conf: {}",
        ),
        (
            criterion(conf={"is_noise_loss": True}),
            "si_snr: is_noise_loss: true: joint training has no reference for it",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError) as error_info:
        check_se_module(tiny.tiny_args(**changes))
    assert message in str(error_info.value) and "\n" not in str(error_info.value)
