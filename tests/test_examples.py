"""The examples outside ESPnet: what they compute, and that they run to the end."""

import subprocess
import sys

import pytest
import torch

from espnet2.train.gradient_remedy import remedy_weights


@pytest.fixture
def plain(import_script):
    return import_script("examples/plain_pytorch.py")


def one_step(plain) -> tuple[torch.nn.Module, dict[str, tuple], tuple[float, float]]:
    """A model after set_gradients, its two gradients by name, and what was seen."""
    model = plain.Denoiser().double()
    batch = [
        part.double() if part.is_floating_point() else part
        for part in plain.make_batch()
    ]
    named = dict(model.named_parameters())
    losses = model.losses(*batch)
    both = [
        torch.autograd.grad(
            loss, list(named.values()), retain_graph=True, allow_unused=True
        )
        for loss in losses
    ]
    shared = list(model.encoder.parameters())
    seen = plain.set_gradients(*losses, shared, list(model.classifier.parameters()))
    return model, dict(zip(named, zip(*both, strict=True), strict=True)), seen


def test_a_step_is_the_remedy_of_the_two_gradients_of_each_tensor(plain):
    model, gradients, (cosine, conflict) = one_step(plain)
    cosines = []
    for name, parameter in model.named_parameters():
        aux, main = gradients[name]
        if name.startswith("classifier"):
            assert aux is None
            torch.testing.assert_close(parameter.grad, main)
            continue
        jacobian = torch.stack([aux.flatten(), main.flatten()])
        weights = remedy_weights(jacobian @ jacobian.T, max_stretch="dynamic")
        wanted = weights[0] * aux + weights[1] * main
        torch.testing.assert_close(parameter.grad, wanted)
        cosines.append(torch.cosine_similarity(*jacobian, dim=0).item())
    assert cosine == pytest.approx(sum(cosines) / len(cosines))
    assert conflict == sum(value < 0 for value in cosines) / len(cosines)


def test_opposing_losses_give_the_gradient_worked_by_hand(plain):
    """G_SE = (1, 0), G_ASR = (-1, 1): 135 degrees, tan theta = |G_SE|/|G_ASR|.

    p = (1/2, 1/2), |p| / tan theta = 1, so the new G_SE is p + (-1, 1) / sqrt(2), and
    the sum with G_ASR is (-1/2 - 1/sqrt(2), 3/2 + 1/sqrt(2)). K is far.
    """
    x = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    own = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    aux_loss, main_loss = x[0] + 0, x[1] - x[0] + 3 * own.sum()
    cosine, conflict = plain.set_gradients(aux_loss, main_loss, [x], [own])
    assert x.grad.tolist() == pytest.approx([-0.5 - 0.5**0.5, 1.5 + 0.5**0.5])
    assert own.grad.item() == 3
    assert cosine == pytest.approx(-(0.5**0.5)) and conflict == 1


@pytest.mark.slow
def test_the_plain_loop_learns_and_says_what_it_sees(repo_root, repo_env):
    lines = run(repo_root, repo_env, "plain_pytorch.py").splitlines()
    assert len(lines) == 50
    assert "cosine" in lines[0] and "conflict" in lines[0]
    first, last = (float(lines[i].split("main ")[1].split()[0]) for i in (0, -1))
    assert last < first / 2


def test_lightning_takes_the_same_step_as_the_plain_loop(plain, import_script):
    lightning = pytest.importorskip("lightning", reason="the example needs lightning")
    example = import_script("examples/lightning_manual.py")
    batch = plain.make_batch()
    module = example.RemediedDenoiser()
    twin = plain.Denoiser()
    twin.load_state_dict(module.model.state_dict())
    data = torch.utils.data.TensorDataset(*batch)
    trainer = lightning.Trainer(
        max_steps=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=len(batch[0])))

    shared, own = list(twin.encoder.parameters()), list(twin.classifier.parameters())
    seen = plain.set_gradients(*twin.losses(*batch), shared, own)
    torch.nn.utils.clip_grad_norm_(twin.parameters(), 5.0)
    torch.optim.Adam(twin.parameters(), lr=1e-2).step()
    for name, value in twin.state_dict().items():
        torch.testing.assert_close(module.model.state_dict()[name], value)
    logged = trainer.logged_metrics
    assert float(logged["grad_cosine"]) == pytest.approx(seen[0])
    assert float(logged["grad_conflict"]) == seen[1]


@pytest.mark.slow
def test_the_lightning_example_runs_to_its_end(repo_root, repo_env):
    pytest.importorskip("lightning", reason="the example needs lightning")
    assert "grad_conflict" in run(repo_root, repo_env, "lightning_manual.py")


def run(repo_root, repo_env, name: str) -> str:
    done = subprocess.run(
        [sys.executable, str(repo_root / "examples" / name)],
        env=repo_env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_examples_stay_short(repo_root):
    for path in (repo_root / "examples").glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 80, path
