"""Recordings of several microphones: what of them each kind of model hears."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny
import torch
from demo_model import EXP, RATE, make_demo, refusal
from tiny_se_modules import CRN, GRID, ROWS, SI_SNR, STFT, module
from torch import Tensor

from espnet2.bin import joint_inference
from espnet2.bin.transcribe import main
from espnet2.enh.inference import hear_as_trained
from espnet2.tasks.enh_s2t import EnhS2TTask
from espnet2.transcription.hearing import Hearing

MASKS = {**CRN, "mode": "masking", "input_channels": [6, 2, 2], "ref_channel": 2}
DEREVERBERATION = {"use_wpe": True, "use_beamformer": False, "wlayers": 1}
DEREVERBERATION |= {"wunits": 6, "wprojs": 6}
USES = {"num_spk": 1, "enc_channels": 4, "bottleneck_size": 4, "num_blocks": 2}
USES |= {"num_spatial_blocks": 1, "segment_size": 4, "memory_size": 2, "hidden_size": 4}
USES |= {"att_heads": 2, "ch_att_dim": 4}
FRONTS = {  # name: (microphones, separator and config)
    "dc_crn": (5, ROWS["dc_crn"][2]),
    "dc_crn_masks": (3, module("stft", STFT, "dc_crn", SI_SNR, **MASKS)),
    "tfgridnetv2": (
        3,
        module("same", {}, "tfgridnetv2", SI_SNR, **{**GRID, "n_imics": 3}),
    ),
    "uses": (3, module("stft", STFT, "uses", SI_SNR, **USES)),
    "mvdr": (3, {"separator": "wpe_beamformer", "separator_conf": tiny.BEAMFORMER}),
    "wpe": (
        3,
        {
            "separator": "wpe_beamformer",
            "separator_conf": {**tiny.BEAMFORMER, **DEREVERBERATION},
        },
    ),
}
ALL_CHANNELS = ("dc_crn_masks", "wpe")  # are in what these put out


def config(front: str) -> dict:
    return {f"enh_{key}": value for key, value in FRONTS[front][1].items()}


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Make a recipe folder with a front's model, and work there; a file for it."""

    def make(front: str) -> Path:
        make_demo(tmp_path / front, **config(front))
        monkeypatch.chdir(tmp_path / front)
        write("all.wav", FRONTS[front][0])
        return Path("all.wav")

    return make


def write(name: str, channels: int, quiet: int | None = None) -> None:
    """What ``channels`` microphones hear of noisy.wav, of which one may fail."""
    noisy = soundfile.read("noisy.wav")[0]
    heard = [np.roll(noisy, 3 * n) * (n != quiet) for n in range(channels)]
    own = np.random.default_rng(0).normal(size=(len(noisy), channels)) * 0.01
    soundfile.write(name, np.stack(heard, 1) + own, RATE, subtype="FLOAT")


def transcribe(capsys, *words: str | Path) -> list[dict]:
    """The lines that the command prints; the enhanced wavs are in out/."""
    quick = ["--decode_config", "conf/decode_asr.yaml", "--enhanced_dir", "out"]
    try:
        main(["--model", str(EXP), *quick, *map(str, words)])
    except SystemExit as exit_info:
        assert exit_info.code == 1
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def upstreams_model() -> torch.nn.Module:
    path = EXP / "valid.acc.ave.pth"
    return EnhS2TTask.build_model_from_file(EXP / "config.yaml", path)[0].eval()


def enhanced_reference(model: torch.nn.Module, speech: Tensor) -> Tensor:
    """Upstream's enhanced speech (1, samples), of several channels the reference."""
    lengths = torch.tensor([speech.shape[1]])
    speech = model.enh_model.forward_enhance(speech, lengths)[0][0]
    reference = model.enh_model.separator.ref_channel if speech.dim() == 3 else None
    return speech if reference is None else speech[..., reference]


def read(path: str | Path) -> Tensor:
    """(1, samples) or (1, samples, channels)."""
    return torch.as_tensor(soundfile.read(path, dtype="float32")[0]).unsqueeze(0)


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("front", FRONTS)
def test_a_model_for_several_channels_hears_all(front, recipe, capsys):
    """DC-CRN and TF-GridNet were given the first one alone, and ended in an error.

    USES enhanced in frames of half the length that it was trained in.
    """
    path = recipe(front)
    microphones = FRONTS[front][0]
    write("failed.wav", microphones, quiet=microphones - 1)
    lines = transcribe(capsys, path, "failed.wav")
    assert all("text" in line for line in lines), lines
    wanted = enhanced_reference(upstreams_model(), read(path))[0]
    found = [read(line["enhanced"])[0] for line in lines]
    assert found[0].shape == wanted.shape == (RATE // 2,)
    wanted *= 0.9 / wanted.abs().max()
    assert (found[0] - wanted).abs().max() <= 1 / 32768
    assert (found[1] - wanted).abs().max() > 30 / 32768


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("mvdr", "enh_separator wpe_beamformer takes several"),
        ("dc_crn", "enh_separator dc_crn takes 5 (half of the first of input_channels"),
        ("tfgridnetv2", "enh_separator tfgridnetv2 takes 3 (n_imics"),
    ],
)
def test_a_recording_of_one_channel_is_named_and_the_others_go_on(
    front, message, recipe, capsys
):
    mono, several = transcribe(capsys, "noisy.wav", recipe(front))
    assert mono["error"].startswith(f"noisy.wav: has one channel, {message}")
    assert "\n" not in mono["error"] and "text" not in mono
    assert "text" in several


@pytest.mark.slow
def test_an_array_of_another_size_is_named(recipe, capsys):
    recipe("tfgridnetv2")
    write("two.wav", 2)
    (line,) = transcribe(capsys, "two.wav")
    assert line["error"].startswith("two.wav: has 2 channels, enh_separator tfgridne")


@pytest.mark.slow
def test_a_dereverberation_takes_one_channel_too(recipe, capsys):
    """It was refused, for there are beamformers of that name which cannot."""
    path = recipe("wpe")
    mono, _ = transcribe(capsys, "noisy.wav", path)
    (chosen,) = transcribe(capsys, "--channel", "1", path)
    assert "text" in mono and "text" in chosen
    with torch.no_grad():
        wanted = enhanced_reference(upstreams_model(), read("noisy.wav"))[0]
    wanted *= 0.9 / wanted.abs().max()
    assert (read(mono["enhanced"])[0] - wanted).abs().max() <= 1 / 32768


@pytest.mark.slow
def test_a_model_for_one_channel_hears_the_first_or_the_chosen(demo_recipe, capsys):
    write("three.wav", 3)
    several = read("three.wav")[0]
    for channel in range(3):
        soundfile.write(f"{channel}.wav", several[:, channel], RATE, subtype="FLOAT")
    alone = transcribe(capsys, "0.wav", "2.wav")
    wanted = [(line["text"], read(line["enhanced"])) for line in alone]
    for (text, samples), words in zip(wanted, ([], ["--channel", "2"]), strict=True):
        (line,) = transcribe(capsys, *words, "three.wav")
        assert line["text"] == text
        assert torch.equal(read(line["enhanced"]), samples)
    (line,) = transcribe(capsys, "--channel", "1", "0.wav")
    assert line["error"] == "0.wav: has one channel, no --channel 1 (from 0)"


def test_no_channel_is_chosen_for_a_model_that_hears_several_at_once(recipe, capsys):
    words = ("--model", EXP, "--channel", "1", recipe("mvdr"))
    assert "--channel 1: the model hears several channels" in refusal(capsys, *words)


@torch.no_grad()
@pytest.mark.parametrize("front", ALL_CHANNELS)
def test_the_recogniser_hears_the_channel_that_it_was_trained_on(front, recipe):
    """Upstream hands all on to its recogniser, which takes the first one."""
    path = recipe(front)
    model, speech = upstreams_model(), read(path)
    lengths = torch.tensor([speech.shape[1]])
    wanted = model.s2t_model.encode(enhanced_reference(model, speech), lengths)[0]
    upstreams = model.encode(speech, lengths)[0][0]
    hear_as_trained(model.enh_model)
    torch.testing.assert_close(model.encode(speech, lengths)[0][0], wanted)
    assert not torch.allclose(upstreams, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("front", ALL_CHANNELS)
def test_stages_12_and_13_do_as_the_command(front, recipe, capsys):
    path = recipe(front)
    (line,) = transcribe(capsys, path)
    Path("wav.scp").write_text(f"utt {path}\n")
    model = (EXP / "config.yaml", EXP / "valid.acc.ave.pth")
    for program, name, prefix, more in (
        ("asr_inference", "speech", "asr_", ("--config=conf/decode_asr.yaml",)),
        ("enh_inference", "speech_mix", "", ("--normalize_output_wav=true",)),
    ):
        words = [
            f"--{prefix}train_config={model[0]}",
            f"--{prefix}model_file={model[1]}",
        ]
        words += [f"--data_path_and_name_and_type=wav.scp,{name},sound", *more]
        words += ["--enh_s2t_task=true", f"--output_dir={program}", "--ngpu=0"]
        joint_inference.main([program, *words])
    text = Path("asr_inference/1best_recog/text_spk1").read_text()
    assert text.split(maxsplit=1)[1].strip() == line["text"]
    enhanced = Path("enh_inference/spk1.scp").read_text().split()[1]
    torch.testing.assert_close(read(enhanced), read(line["enhanced"]))
    assert read(enhanced).dim() == 2


@torch.no_grad()
def test_another_recogniser_hears_the_reference_of_what_is_enhanced(recipe):
    """A share of the noisy reference channel could not be added to all channels."""
    speech = read(recipe("wpe"))
    reference = tiny.BEAMFORMER["ref_channel"]
    options = argparse.Namespace(
        **{"data_fs": "8k", "noisy_share": 0.25, "ref_channel": reference},
        **{"enh_train_config": EXP / "config.yaml", "enh_inference_config": None},
        enh_model_file=EXP / "valid.acc.ave.pth",
    )
    heard = torch.as_tensor(Hearing(options, RATE, "cpu")(speech[0].numpy()))
    enhanced = enhanced_reference(upstreams_model(), speech)[0]
    torch.testing.assert_close(heard, 0.75 * enhanced + 0.25 * speech[0, :, reference])
