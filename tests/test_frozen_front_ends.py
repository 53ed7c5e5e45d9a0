"""Frozen Whisper, WavLM and HuBERT hand gradients on, and stay as they are."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import tiny_front_ends
import torch
import yaml
from test_trainer_gradient_remedy import train_one_epoch

from espnet2.bin.interruptible_asr_train import InterruptibleASRTask
from espnet2.enh.espnet_enh_asr_model import ESPnetEnhASRModel
from espnet2.enh.frozen_front_ends import PASSING_FRONT_ENDS
from espnet2.plain_data import read_yaml
from espnet2.tasks.asr import ASRTask, frontend_choices
from espnet2.tasks.gradient_remedy import GradientRemedyTask
from espnet2.tasks.layered_config import read_config
from espnet2.train.trainer_gradient_remedy import GradientRemedyTrainer
from espnet2.transcription.recogniser import TakenRecogniser, joint_config, take

for package in ("whisper", "s3prl", "transformers"):
    pytest.importorskip(
        package, reason="make -C tools large_recognisers installs Whisper and S3PRL"
    )
CONF = Path(__file__).parent.parent / "egs2/mini_radio/asr_with_enhancement/conf"
KINDS = tiny_front_ends.KINDS
every_kind = pytest.mark.parametrize("kind", KINDS)
# Upstream's cut the gradient of these.
CLOSED = ("whisper", "hf_hubert")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a tiny checkpoint of each kind."""
    folder = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as patch:
        import whisper

        patch.setattr(whisper, "_MODELS", dict(whisper._MODELS))
        patch.setattr(whisper, "_ALIGNMENT_HEADS", dict(whisper._ALIGNMENT_HEADS))
        tiny_front_ends.make(folder)
        tiny_front_ends.register(folder)
        yield folder


def joint_args(kind: str, folder: Path, **changes):
    """Arguments of the tiny joint model behind such a front end."""
    conf = tiny_front_ends.frontend_conf(kind, folder)
    encoder = {**tiny.CONFIG["asr_encoder_conf"], "input_layer": "linear"}
    front_end = {"frontend": KINDS[kind], "frontend_conf": conf}
    return tiny.tiny_args(**front_end, asr_encoder_conf=encoder, **changes)


def asr_args(kind: str, folder: Path) -> argparse.Namespace:
    """The recogniser's part of the joint arguments, as of an ASR training."""
    config = {
        key.removeprefix("asr_"): value
        for key, value in vars(joint_args(kind, folder)).items()
        if not key.startswith("enh_") and key not in ("model_conf", "subtask_series")
    }
    return argparse.Namespace(**config | {"token_type": "char"})


def joint_model(kind: str, folder: Path) -> ESPnetEnhASRModel:
    """The tiny joint model, its front end frozen as the example config says."""
    torch.manual_seed(0)
    model = GradientRemedyTask.build_model(joint_args(kind, folder))
    name = "whisper" if kind == "whisper" else "wavlm"
    config = read_config(CONF / f"train_{name}_frozen.yaml")
    for prefix in config.get("freeze_param", []):  # Whisper has an option of its own
        model.get_submodule(prefix).requires_grad_(False)
    return model.train()


def batch(seed: int = 0) -> dict:
    """Half a second of noise, as an utterance of 25 frames, and shorter ones."""
    found = tiny.batch(seed=seed)
    for name, value in found.items():
        if name.startswith("speech"):
            is_audio = value.is_floating_point()
            found[name] = value.repeat(1, 4).float() if is_audio else 4 * value
    return found


def batches(number: int) -> list[tuple[list[str], dict]]:
    """An epoch of them."""
    found = [batch(seed) for seed in range(number)]
    return [(one.pop("utt_id"), one) for one in found]


@every_kind
def test_features_lengths_and_names_are_upstreams(kind, folder):
    conf = tiny_front_ends.frontend_conf(kind, folder)
    ours = PASSING_FRONT_ENDS[KINDS[kind]](**conf).eval()
    stock = frontend_choices.get_class(KINDS[kind])(**conf).eval()
    assert type(stock) is type(ours).__base__
    stock.requires_grad_(False)
    assert list(ours.state_dict()) == list(stock.state_dict())
    assert ours.output_size() == stock.output_size() == 16
    speech = batch()["speech"].requires_grad_()
    lengths = batch()["speech_lengths"]
    feats, feats_lengths = ours(speech, lengths)
    expected, expected_lengths = stock(speech, lengths)
    torch.testing.assert_close(feats, expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(feats_lengths, expected_lengths)
    assert feats.requires_grad and expected.requires_grad == (kind not in CLOSED)


@every_kind
def test_both_gradients_reach_the_se_module(kind, folder):
    model = joint_model(kind, folder)
    for loss in ("loss_enh", "loss_asr"):
        found = tiny.gradients(model, model(**batch())[loss])
        of_enh = [grad for name, grad in found.items() if "enh_model.sep" in name]
        assert len(of_enh) > 5
        assert all(grad.isfinite().all() for grad in of_enh)
        assert all(grad.any() for grad in of_enh)
        assert not any("frontend.upstream" in name for name in found)
        assert not any("frontend.whisper" in name for name in found)


@every_kind
def test_a_training_leaves_the_front_end_as_it_is_bit_for_bit(kind, folder, tmp_path):
    model = joint_model(kind, folder)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    steps = batches(3)
    _, stats = train_one_epoch(
        GradientRemedyTrainer, tmp_path, iterator=steps, model=model
    )
    assert "grad_cosine" in stats
    changed = [
        name for name, now in model.state_dict().items() if not now.equal(before[name])
    ]
    learns_layer_weights = ["s2t_model.frontend.featurizer.weights"]
    of_front_end = [name for name in changed if ".frontend." in name]
    assert of_front_end == ([] if kind == "whisper" else learns_layer_weights)
    assert sum("enh_model" in name for name in changed) > 5
    assert sum("s2t_model.encoder" in name for name in changed) > 5


@every_kind
def test_a_frozen_front_end_hears_the_same_in_training_as_in_decoding(kind, folder):
    """It drops no unit and no layer, and masks no time."""
    model, lengths = joint_model(kind, folder), batch()["speech_lengths"]
    front_end = model.s2t_model.frontend
    large = front_end.whisper if kind == "whisper" else front_end.upstream
    assert model.training and model.s2t_model.encoder.training
    assert not any(module.training for module in large.modules())
    in_training, _ = front_end(batch()["speech"], lengths)
    assert torch.equal(front_end.eval()(batch()["speech"], lengths)[0], in_training)
    if kind != "whisper":  # which has no dropout
        front_end.requires_grad_(True)
        model.train()
        assert not front_end(batch()["speech"], lengths)[0].equal(in_training)


@pytest.mark.parametrize("kind", CLOSED)
def test_upstreams_front_ends_are_still_refused(kind, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "espnet2.enh.frozen_front_ends.PASSING_FRONT_ENDS",
        dict(frontend_choices.classes),
    )
    with pytest.raises(ValueError, match="ASR loss has no gradient there"):
        train_one_epoch(
            GradientRemedyTrainer,
            tmp_path,
            iterator=batches(1),
            model=joint_model(kind, folder),
        )


@pytest.mark.parametrize("kind", ["whisper", "wavlm"])
def test_a_recogniser_that_is_taken_gets_the_path_without_a_word(
    kind, folder, tmp_path
):
    """From a training of upstream's; with --freeze_asr, only the SE module learns."""
    args = asr_args(kind, folder)
    stock = ASRTask.build_model(args)
    torch.save(stock.state_dict(), tmp_path / "valid.acc.ave.pth")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(vars(args)))
    taken = TakenRecogniser(tmp_path / "taken")
    take(str(tmp_path), taken, 16000)
    args = tiny.tiny_args(**joint_config({}, read_yaml(taken.config)))
    model = GradientRemedyTask.build_model(args)
    model.s2t_model.load_state_dict(torch.load(taken.weights))
    model.s2t_model.requires_grad_(False)
    found = tiny.gradients(model, model.train()(**batch())["loss_asr"])
    assert {name.split(".")[0] for name in found} == {"enh_model"}
    assert all(grad.isfinite().all() and grad.any() for grad in found.values())


def test_whisper_that_learns_does_so_without_its_decoder(folder):
    conf = tiny_front_ends.frontend_conf("whisper", folder)
    front_end = PASSING_FRONT_ENDS["whisper"](**conf, freeze_weights=False)
    encoder, decoder = front_end.whisper.encoder, front_end.whisper.decoder
    assert all(p.requires_grad for p in encoder.parameters())
    assert not any(p.requires_grad for p in decoder.parameters())


def test_distributed_data_parallel_takes_whisper(folder):
    """It refuses sparse buffers, of which Whisper has one, and unused parameters."""
    alone = InterruptibleASRTask.build_model(asr_args("whisper", folder))
    for model in (alone, joint_model("whisper", folder).s2t_model):
        assert not any(buffer.is_sparse for buffer in model.frontend.buffers())
        assert not any(p.requires_grad for p in model.frontend.parameters())


DECODE = """
import sys, torch, espnet2, tiny_front_ends
from pathlib import Path
from espnet2.bin.asr_inference import Speech2Text
folder, *models = map(Path, sys.argv[1:])
tiny_front_ends.register(folder)
print(espnet2.__path__[0])
speech = torch.load(folder / "speech.pt")
for model in models:
    config, weights = model.with_suffix(".yaml"), model.with_suffix(".pth")
    decode = Speech2Text(config, weights, enh_s2t_task=True, beam_size=2)
    ((best, *_),) = decode(speech[0])
    heard = decode.asr_model.encode(speech, torch.tensor([speech.shape[1]]))
    print(type(decode.asr_model.s2t_model.frontend).__name__, best[3].score.item() < 0)
    torch.save(heard[0][0][0], model.with_suffix(".heard"))
"""


def test_stock_espnet_decodes_the_models(folder, tmp_path, repo_root, repo_env):
    """In a process that has espnet alone on its path; it hears what our model does."""
    speech, expected = batch()["speech"][:1], {}
    for kind in KINDS:
        model, args = joint_model(kind, folder).eval(), joint_args(kind, folder)
        torch.save(model.state_dict(), tmp_path / f"{kind}.pth")
        (tmp_path / f"{kind}.yaml").write_text(yaml.safe_dump(vars(args)))
        with torch.no_grad():
            heard = model.encode(speech, torch.tensor([speech.shape[1]]))
        expected[kind] = heard[0][0][0]
    torch.save(speech, folder / "speech.pt")
    tests = repo_root / "tests"
    done = subprocess.run(
        [sys.executable, "-c", DECODE, folder, *(tmp_path / kind for kind in KINDS)],
        env={**repo_env, "PYTHONPATH": f"{tests}:{tests / 'without_typeguard'}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    home, *printed = done.stdout.splitlines()[-1 - len(KINDS) :]
    assert not Path(home).is_relative_to(repo_root / "espnet2")
    assert printed == ["WhisperFrontend True", *["S3prlFrontend True"] * 3]
    for kind, value in expected.items():
        heard = torch.load(tmp_path / f"{kind}.heard")
        torch.testing.assert_close(heard, value, rtol=1e-4, atol=1e-4)
