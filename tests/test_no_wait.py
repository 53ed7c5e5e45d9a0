"""The host never waits for the GPU in the surgery: shown by fake tensors, without one.

PyTorch's fake tensors have a device and shapes, but no values. What wants a value, for
which it would wait, raises; so does an operation on tensors of two devices.
"""

import pytest
import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)

from espnet2.train.gradient_methods import METHODS, make_method
from espnet2.train.gradient_options import GradientConf
from espnet2.train.gradient_surgery import Surgery, combine
from espnet2.train.torchjd_weightings import TorchJDMethod
from espnet2.train.two_gradient_module import TwoGradientModule

NAMES = [f"enh_model.{index}" for index in range(4)]
WAITING = [name for name, kind in METHODS.items() if kind is TorchJDMethod]


def surgery(method: str, **options) -> Surgery:
    """The second step's surgery, all of it on a device that need not be there."""
    conf = GradientConf(max_stretch="dynamic", **options)
    combining = make_method(method, conf)
    with FakeTensorMode():
        for _ in range(2):
            enh, asr = (
                {name: torch.randn(3, 5, device="cuda") for name in NAMES}
                for _ in range(2)
            )
            scale = torch.tensor(1024.0, device="cuda")
            done = combine(enh, asr, {"enh_model": NAMES}, combining, scale)
    return done


@pytest.mark.parametrize("options", [{}, {"smoothing": 0.9}, {"granularity": "module"}])
@pytest.mark.parametrize("method", [name for name in METHODS if name not in WAITING])
def test_no_method_of_ours_waits(method, options):
    done = surgery(method, **options)
    assert {grad.device.type for grad in done.gradients.values()} == {"cuda"}
    assert {field.device.type for field in done.decision} == {"cuda"}


@pytest.mark.parametrize("method", WAITING)
def test_torchjds_methods_wait_as_the_docs_say(method):
    """If one does no more, docs/methods.md has to be changed."""
    with pytest.raises(DynamicOutputShapeException):
        surgery(method)


class TwoLosses(torch.nn.Module):
    """A module that both losses reach, and one that only one of them reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.enh_model, self.s2t_model = torch.nn.Linear(5, 7), torch.nn.Linear(7, 3)

    def forward(self, speech: torch.Tensor) -> dict:
        enhanced = self.enh_model(speech)
        loss_enh, loss_asr = enhanced.square().mean(), self.s2t_model(enhanced).mean()
        stats = {"loss_enh": loss_enh, "loss_asr": loss_asr}
        return {"loss": loss_enh + loss_asr, "stats": {}, "weight": 1, **stats}


@pytest.mark.parametrize("options", [{}, {"smoothing": 0.9}, {"per_batch": True}])
@pytest.mark.parametrize("method", [name for name in METHODS if name not in WAITING])
def test_a_whole_step_waits_once_for_what_is_logged(monkeypatch, method, options):
    """Two micro-batches in mixed precision, from the forward pass to ``.grad``.

    On a fake CPU: autograd wants a real GPU, but a value is as little there.
    """
    decisions = []
    monkeypatch.setattr("espnet2.train.two_gradient_module.figures", decisions.append)
    combining = make_method(method, GradientConf(probe=True, **options))
    with FakeTensorMode():
        scaler = torch.amp.GradScaler("cpu")
        model = TwoLosses()
        module = TwoGradientModule(model, combining, ["enh_model"], 2, scaler)
        module.anchor = torch.zeros((), requires_grad=True)  # a fake one
        for _ in range(4):
            loss = module(speech=torch.randn(4, 5))["loss"]
            scaler.scale(loss / 2).backward()
    assert len(decisions) == (4 if options.get("per_batch") else 2)
    assert all(p.grad is not None for p in model.parameters())


def test_a_wait_would_be_seen():
    with FakeTensorMode(), pytest.raises(DataDependentOutputException):
        bool(torch.randn(1, device="cuda") > 0)
