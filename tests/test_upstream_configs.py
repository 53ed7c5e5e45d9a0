"""The SE configs of ESPnet's recipes train here as they do in its joint task."""

import subprocess
from pathlib import Path

import pytest
import tiny
import torch
import yaml
from tiny_se_modules import ROWS
from torch import Tensor

from espnet2.enh.espnet_enh_asr_model import ESPnetEnhASRModel
from espnet2.tasks.enh_s2t import EnhS2TTask
from espnet2.tasks.layered_config import read_config
from espnet2.tasks.se_module_checks import check_se_module
from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import resolve_gradient_conf
from espnet2.train.two_gradient_module import TwoGradientModule

PAGE = "docs/upstream_configs.md"
NOISE_MASK = "separator.beamformer.mask.linears.1."
# What a loss does not reach: PSM labels are the speech mask's, WPD has no noise mask.
UNREACHED = {("mvdr_masks", "enh"), ("wpd", "enh"), ("wpd", "asr")}
# What cannot change any output, so that its gradients are round-off: biases before a
# batch norm or a softmax, and one where the synthesis window is zero.
NO_EFFECT = {
    "dc_crn": ".conv.0.0.bias",
    "tfgridnetv2": ("attn_norm_K.beta", "deconv.bias"),
}


def prefixed(keys: dict) -> dict:
    return {f"enh_{key}": value for key, value in keys.items()}


def build(keys: dict, **more) -> ESPnetEnhASRModel:
    changes = {**prefixed(keys), "enh_loss": "criterions", "enh_weight": 0.5, **more}
    check_se_module(tiny.tiny_args(**changes))
    return tiny.tiny_model(**changes)


def microphones(speech: int, reference: int) -> dict[str, Tensor]:
    """A batch of which each microphone hears the speech later and has its own noise."""
    batch, generator = tiny.batch(), torch.Generator().manual_seed(1)
    clean, noise = batch["speech_ref1"], batch["speech"] - batch["speech_ref1"]
    channels = [torch.roll(clean, n, dims=1) for n in range(speech)]
    batch["speech_ref1"] = torch.stack(channels, -1) if reference > 1 else clean
    if speech > 1:
        own = torch.randn(*clean.shape, speech, generator=generator).double() * 0.02
        noise = (noise.unsqueeze(-1) + own) * (clean != 0).unsqueeze(-1)
        batch["speech"] = torch.stack(channels, -1) + noise
    return batch


def step(model: ESPnetEnhASRModel, batch: dict[str, Tensor], name: str) -> int:
    """Return how many tensors of the SE module a step trains; all are finite."""
    method = make_method(name, resolve_gradient_conf({}))
    model.zero_grad()
    TwoGradientModule(model, method, ["enh_model"])(**batch)["loss"].sum().backward()
    stepped = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    assert all(torch.isfinite(gradient).all() for gradient in stepped.values())
    return sum(name.startswith("enh_model.") for name in stepped)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
def test_both_losses_train_the_se_module_and_a_step_is_finite(row):
    *channels, keys = ROWS[row]
    model, batch = build(keys), microphones(*channels)
    output = model(**batch)
    assert torch.isfinite(output["loss_enh"]) and torch.isfinite(output["loss_asr"])
    for loss in ("enh", "asr"):
        found = tiny.gradients(model, model(**batch)[f"loss_{loss}"])
        for name, _ in model.enh_model.named_parameters():
            unreached = name.startswith(NOISE_MASK) and (row, loss) in UNREACHED
            gradient = found.get(f"enh_model.{name}")
            assert (gradient is None) == unreached, (loss, name)
            if gradient is not None:
                has_effect = not name.endswith(NO_EFFECT.get(row, "-"))
                assert (gradient.norm() > 1e-10) == has_effect, (loss, name)
    assert step(model, batch, "remedy") >= 12


@pytest.mark.parametrize(
    ("row", "method", "with_loss"),
    [("conv_tasnet", "remedy", True), ("wpd", "asr_only", False)],
)
def test_the_joint_configs_of_chime4_train_a_step(row, method, with_loss):
    """The second has no SE loss, which wants a method without one."""
    masks = {"num_freq_mask": 2, "freq_mask_width_range": [0, 3], "num_time_mask": 2}
    masks |= {"apply_time_warp": True, "time_warp_window": 5, "apply_freq_mask": True}
    masks |= {"apply_time_mask": True, "time_mask_width_range": [0, 4]}
    more = {"specaug": "specaug", "specaug_conf": masks}
    more["model_conf"] = {"calc_enh_loss": with_loss, "bypass_enh_prob": 0.0}
    *channels, keys = ROWS[row]
    model, batch = build(keys, **more), microphones(*channels)
    assert (model(**batch)["loss_enh"] is not None) == with_loss
    assert step(model, batch, method) >= 12


@pytest.mark.parametrize("row", ROWS)
def test_the_losses_are_those_of_upstreams_joint_model(row):
    *channels, keys = ROWS[row]
    ours, batch = build(keys).eval(), microphones(*channels)
    theirs = EnhS2TTask.build_model(tiny.tiny_args(**prefixed(keys))).double().eval()
    theirs.load_state_dict(ours.state_dict())
    output = ours(**batch)
    loss, stats, _ = theirs(**batch)
    torch.testing.assert_close(2 * output["loss"], loss)
    for name in ("loss_asr", "loss_enh"):
        torch.testing.assert_close(output["stats"][name], stats[name])


def test_the_line_of_the_page_takes_the_se_module_of_a_config(repo_root, tmp_path):
    """What hinders joint training stays behind: chunks, an SE loss's old name, ..."""
    block = (repo_root / PAGE).read_text(encoding="utf-8").split("```sh\n")[1]
    keys = {**ROWS["conv_tasnet"][2], "mask_module": "multi_mask"}
    alone = {"init": "xavier_uniform", "iterator_type": "chunk", "chunk_length": 8}
    alone |= {"model_conf": {"loss_type": "si_snr"}, "criterions_note": "x"}
    (tmp_path / "conf").mkdir()
    text = "# comment\n" + yaml.safe_dump({**alone, **keys}) + "dynamic_mixing: true\n"
    (tmp_path / "se.yaml").write_text(text)
    (tmp_path / "conf/train_gradient_remedy.yaml").write_text("max_epoch: 3\n")
    line = block.split("```")[0]
    subprocess.run(
        ["bash", "-euc", f"se_config=se.yaml\n{line}"], cwd=tmp_path, check=True
    )
    written = read_config(Path(tmp_path, "conf/train_conv_tasnet.yaml"))
    assert written == {**prefixed(keys), "max_epoch": 3}
