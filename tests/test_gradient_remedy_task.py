"""The task's command line: its options, what is saved, and its errors."""

from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import pytest
import tiny
import torch
import yaml

from espnet2.bin.gradient_remedy_train import main
from espnet2.enh.padded_rnn import PaddedRNN
from espnet2.tasks.enh_loss import describe_enh_loss
from espnet2.tasks.enh_s2t import EnhS2TTask
from espnet2.tasks.gradient_remedy import GradientRemedyTask

REFERENCED = [
    "--train_data_path_and_name_and_type=wav.scp,speech,sound",
    "--train_data_path_and_name_and_type=spk1.scp,speech_ref1,sound",
]
ONE_SPEAKER = ["--enh_separator_conf", "num_spk=1"]  # upstream's default is two


def error_of(
    capsys, arguments: list[str], separator: Sequence[str] = ONE_SPEAKER
) -> str:
    """The one line with which the command refuses its arguments."""
    with pytest.raises(SystemExit) as exit_info:
        main(["--output_dir", "exp", *separator, *arguments])
    assert exit_info.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def config(folder: Path, **keys) -> list[str]:
    path = folder / "train.yaml"
    path.write_text(yaml.safe_dump(keys), encoding="utf-8")
    return ["--config", str(path)]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"gradient_metod": "sum"}, "gradient_metod: is no option; perhaps gradient_m"),
        ({"separator": "rnn"}, "in joint training prefix with enh_ (of the SE module)"),
        ({"encoder": "conv"}, "enh_ (of the SE module) or asr_ (of the recogniser)"),
        ({"joint_net_conf": {}}, "ESPnet's joint task builds no transducers"),
        ({"dynamic_mixing": True}, "is an option of SE training alone; leave it out"),
        (
            {"enh": "tf_masking"},
            "enh: of old SE configs; in its place are enh_encoder,",
        ),
        (
            {"enh_separator": "dptfsnet"},
            "'dptfsnet': expected one of asteroid, bsrnn, ",
        ),
        (
            {"model_conf": {"loss_type": "mse"}},
            "loss_type: says nothing in ESPnet 2025",
        ),
        (
            {"model_conf": {"bypass": 1}},
            "the joint model has no such key; it has calc_",
        ),
        (
            {"asr_model_conf": {"ctc": 1}},
            "ctc: the recogniser has no such key; perhaps ",
        ),
        ({"iterator_type": "chunk"}, "chunk: parts the speech from its text; leave it"),
        (
            {"enh_encoder": "same", "enh_encoder_conf": {"n_fft": 256}},
            "n_fft: enh_encoder: same has no such key; write  enh_encoder_conf: {}",
        ),
        ({"asr_decoder": "transducer"}, "asr_decoder: transducer: ESPnet's joint task"),
        (
            {"enh_separator": "tcn", "enh_separator_conf": {"botleneck_dim": 3}},
            "enh_separator_conf: botleneck_dim: enh_separator: tcn has no such key; "
            "perhaps bottleneck_dim",
        ),
        ({"gradient_method": "pcgrad2"}, "gradient_method: 'pcgrad2': expected one of"),
        (
            {
                "gradient_method": "cagrad",
                "gradient_conf": {"weighting_conf": {"d": 1}},
            },
            "cagrad with weighting_conf",
        ),
        pytest.param(
            {"ddp_comm_hook": "fp16_compress_hook"},
            "ddp_comm_hook: fp16_compress_hook",
            marks=tiny.wants_comm_hooks,
        ),
        ({"gradient_conf": {"treshold": 5}}, "unknown key treshold"),
        ({"gradient_conf": {"threshold": "five"}}, "threshold: 'five'"),
        ({"enh_weight": "high"}, "enh_weight: 'high': expected a number"),
        ({"enh_weight": 3}, "enh_weight: 3: expected 0 to 1"),
        ({"enh_weight": 0}, "leaves no SE loss for gradient_method: remedy"),
        (
            {"enh_weight": 0, "gradient_method": "sum", "freeze_param": ["s2t_model"]},
            "leaves no SE loss for gradient_method: sum",
        ),
        ({"max_epoch": "ten"}, "max_epoch: 'ten': expected a whole number"),
        ({"optim_conf": {"lr": "3e-3"}}, "lr: '3e-3' is text for YAML"),
        ({"model_conf": {"calc_enh_loss": False}}, "calc_enh_loss: false leaves no SE"),
        ({"subtask_series": ["asr"]}, "subtask_series"),
        (
            {"enh_loss": "magnitude", "enh_encoder": "conv"},
            "enh_loss: magnitude: wants enh_encoder: stft, not conv",
        ),
        ({"enh_loss": "magnitude", "enh_encoder": "same"}, "enh_loss: magnitude"),
    ],
)
def test_a_wrong_key_or_value_is_one_line_that_names_file_and_key(
    tmp_path, capsys, keys, message
):
    line = error_of(capsys, [*REFERENCED, *config(tmp_path, **keys)])
    assert message in line
    assert str(tmp_path / "train.yaml") in line


@pytest.mark.parametrize("text", ["[a, b]", "key: [", ""])
def test_a_file_that_is_not_a_mapping_is_an_error(tmp_path, capsys, text):
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--output_dir", "exp", "--config", str(path)])
    assert f"{path}: " in capsys.readouterr().err


def test_a_config_that_is_not_there_is_an_error(capsys):
    assert "nowhere.yaml" in error_of(capsys, ["--config", "nowhere.yaml"])


def test_a_gpu_that_is_not_there_is_an_error(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "--ngpu 0" in error_of(capsys, [*REFERENCED, "--ngpu", "1"])


def test_remedy_without_clean_references_says_what_to_add(capsys):
    line = error_of(capsys, REFERENCED[:1])
    assert "spk1.scp,speech_ref1,sound" in line


def test_training_data_of_real_recordings_only_is_refused(tmp_path, capsys):
    shapes = tmp_path / "speech_shape"
    shapes.write_text("a_REAL 100\n\nb_CLEAN 200\n", encoding="utf-8")
    line = error_of(capsys, [*REFERENCED, "--train_shape_file", str(shapes)])
    assert str(shapes) in line and "REAL or CLEAN" in line


def test_every_option_of_ours_is_a_flag_over_the_file(tmp_path):
    keys = config(tmp_path, gradient_conf={"threshold": 2.0, "max_stretch": 10.0})
    flags = ["--gradient_conf", "threshold=3", "--gradient_method", "sum"]
    parser = GradientRemedyTask.get_parser()
    args = parser.parse_args(["--output_dir", "exp", *keys, *flags])
    assert args.gradient_conf == {"threshold": 3, "max_stretch": 10.0}
    assert args.gradient_method == "sum"


def test_the_saved_config_holds_every_key_of_the_method(tmp_path):
    """A dry run stops before any data is read, but after config.yaml is written."""
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("\n".join(tiny.TOKENS), encoding="utf-8")
    keys = {**tiny.CONFIG, "token_list": str(tokens), "gradient_conf": {"threshold": 2}}
    options = ["--dry_run", "true", "--ngpu", "0", "--output_dir", str(tmp_path)]
    main([*options, *REFERENCED, *config(tmp_path, **keys)])
    saved = yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8"))
    assert saved["gradient_method"] == "remedy"
    assert saved["gradient_conf"] == {
        "threshold": 2,
        "max_stretch": None,
        "projection": True,
        "rescale": True,
        "granularity": "tensor",
        "smoothing": 0.0,
        "per_batch": False,
        "probe": False,
        "weighting_conf": {},
    }
    assert saved["shared_params"] == ["enh_model"]
    assert saved["enh_weight"] == 0.3


CONV = {"enh_encoder": "conv", "enh_decoder": "conv"}
for part in ("enh_encoder_conf", "enh_decoder_conf"):
    CONV[part] = {"channel": 33, "kernel_size": 20, "stride": 10}
CRITERION = {"name": "si_snr", "conf": {}, "wrapper": "fixed_order"}


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ({}, "magnitude"),
        ({"enh_criterions": [{**CRITERION, "wrapper_conf": {}}]}, "criterions"),
        (
            {
                "enh_criterions": [{**CRITERION, "wrapper_conf": {}}],
                "enh_loss": "magnitude",
            },
            "magnitude",
        ),
        (CONV, "criterions"),
        ({"enh_loss": None}, "magnitude"),
    ],
)
def test_the_se_loss_is_what_the_config_asks_for_and_is_told(
    tmp_path, caplog, keys, chosen
):
    """Criterions in a YAML were ignored in silence: the magnitude loss was trained.

    On a learned encoder it compares the encoder's output with the encoder's output:
    in 400 steps both vanished, and the enhanced speech stayed at -26 to -45 dB.
    """
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("\n".join(tiny.TOKENS), encoding="utf-8")
    keys = {**tiny.CONFIG, "token_list": str(tokens), **keys}
    options = ["--dry_run", "true", "--ngpu", "0", "--output_dir", str(tmp_path)]
    with caplog.at_level("INFO"):
        main([*options, *REFERENCED, *config(tmp_path, **keys)])
    saved = yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8"))
    assert saved["enh_loss"] == chosen
    assert saved["enh_criterions"][0]["name"] == "si_snr"
    assert [line for line in caplog.messages if line.startswith(f"SE loss: {chosen}")]


def test_several_criterions_are_told_with_their_weights():
    two = [{"name": "si_snr"}, {"name": "mse", "wrapper_conf": {"weight": 0.5}}]
    assert describe_enh_loss("criterions", two) == "criterions (si_snr, mse x 0.5)"


def test_recurrent_separators_run_padded_on_a_cpu_and_packed_on_a_gpu():
    on_cpu = tiny.tiny_model().enh_model.separator.rnn
    args = tiny.tiny_args()
    args.ngpu = 1
    on_gpu = GradientRemedyTask.build_model(args).enh_model.separator.rnn
    assert isinstance(on_cpu, PaddedRNN)
    assert not isinstance(on_gpu, PaddedRNN)


@pytest.mark.parametrize(("ngpu", "is_zero"), [(0, True), (1, False)])
def test_denormal_numbers_count_as_zero_in_a_training_on_a_cpu(
    monkeypatch, ngpu, is_zero
):
    """With a mask near zero a step took 30 s in place of 0.3 s."""
    seen = []

    def main_worker(args):
        seen.append((torch.tensor([1e-40]) * 1).item() == 0)

    monkeypatch.setattr(EnhS2TTask, "main_worker", main_worker)
    args = tiny.tiny_args()
    args.ngpu = ngpu
    GradientRemedyTask.main_worker(args)
    assert seen == [is_zero]


def test_a_config_may_say_only_what_differs_from_another(tmp_path):
    """What is saved is whole and does not name the base: it needs no other file."""
    config(tmp_path, gradient_method="sum", max_epoch=7, optim_conf={"lr": 1.0})
    (tmp_path / "base.yaml").write_text((tmp_path / "train.yaml").read_text())
    words = config(tmp_path, based_on="base.yaml", optim_conf={"eps": 1.0})
    with mock.patch.object(EnhS2TTask, "main") as upstream:
        options = ["--output_dir", "exp", "--accum_grad", "3", *ONE_SPEAKER]
        main([*words, *options, *REFERENCED])
    args = vars(upstream.call_args.kwargs["args"])
    assert (args["gradient_method"], args["max_epoch"]) == ("sum", 7)
    assert args["optim_conf"] == {"eps": 1.0} and args["accum_grad"] == 3
    assert "based_on" not in args and args["config"] == words[1]


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("none.yaml", "based_on: none.yaml: is no other file beside this one"),
        ("train.yaml", "based_on: train.yaml: is no other file beside this one"),
        ("ring.yaml", "based_on: ring.yaml: based_on: train.yaml: is no other file"),
        ("list.yaml", "based_on: list.yaml: holds no keys"),
        ("typo.yaml", "max_epok: is no option"),
        ("text.yaml", "max_epoch: 'ten': expected a whole number"),
    ],
)
def test_a_wrong_base_is_told(tmp_path, capsys, base, message):
    (tmp_path / "list.yaml").write_text("- 1\n")
    (tmp_path / "ring.yaml").write_text("based_on: train.yaml\n")
    (tmp_path / "typo.yaml").write_text("max_epok: 1\n")
    (tmp_path / "text.yaml").write_text("max_epoch: ten\n")
    error = error_of(capsys, config(tmp_path, based_on=base))
    assert f"{tmp_path / 'train.yaml'}: {message}" in error
