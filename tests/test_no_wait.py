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


def test_a_wait_would_be_seen():
    with FakeTensorMode(), pytest.raises(DataDependentOutputException):
        bool(torch.randn(1, device="cuda") > 0)
