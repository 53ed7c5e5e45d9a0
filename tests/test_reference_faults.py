"""Faults of the published code, each by its number in the list that follows.

1, 2  several GPUs: test_ranks.py
3     one decision for a module, one for each tensor: test_gradient_surgery.py
4, 5  the unbounded stretch: here, and test_gradient_remedy.py
6     one decision for a window: test_two_gradient_module.py
7     K in YAML, flags and config.yaml: test_gradient_remedy_task.py
8     what K is compared with: here
9     a zero ASR gradient: here, and test_gradient_surgery.py
10    a zero SE gradient: test_gradient_methods.py, test_zero_gradients_pass_...
11    frozen, unused, SE-only parameters: here, and test_two_gradient_module.py
12    names, not positions: test_gradient_surgery.py, test_order_of_the_names_...
13    DataParallel: test_two_gradient_module.py, test_data_parallel_is_refused
14    no SE weight: test_gradient_remedy_task.py
15    views and strides: here; gradient_as_bucket_view: test_ranks.py
16    round-off of the cosine: here
"""

import math

import pytest
import tiny
import torch
from test_two_gradient_module import STATISTICS, in_grad, wrap

from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import GradientConf
from espnet2.train.gradient_remedy import remedy_weights
from espnet2.train.gradient_surgery import combine
from espnet2.train.tensor_lists import gramians

CLIP = 5.0


def pair(degrees: float, ratio: float, size: int = 1000) -> tuple:
    """An SE gradient ``ratio`` times as long as an ASR gradient of length 1."""
    asr, other = torch.zeros(size), torch.zeros(size)
    asr[0], other[1] = 1.0, 1.0
    angle = math.radians(degrees)
    return ratio * (math.cos(angle) * asr + math.sin(angle) * other), asr


@pytest.mark.parametrize("degrees", [1, 60, 89, 89.9999, 90.0001, 120, 179])
@pytest.mark.parametrize("ratio", [0.1, 4.9, 5.1, 100, 1e4])
def test_4_the_bounded_remedy_is_never_much_longer_than_the_gradients(degrees, ratio):
    """As published it is 5e5 times as long as the ASR gradient at 89.9999 degrees."""
    enh, asr = pair(degrees, ratio)
    enh_weight, asr_weight = remedy_weights(
        gramians([enh], [asr])[0], max_stretch="dynamic"
    )
    total = enh_weight * enh + asr_weight * asr
    assert total.norm() <= 2.01 * math.hypot(enh.norm(), asr.norm())


def share_of_the_recogniser(max_stretch) -> float:
    """The part of the recogniser's gradient that clipping leaves in a bad step."""
    enh, asr = pair(89.99, 10.0)
    recogniser = torch.ones(4)
    method = make_method("remedy", GradientConf(max_stretch=max_stretch))
    grads = {"enh_model.w": asr, "s2t_model.w": recogniser.clone()}
    groups = {"enh_model": ["enh_model.w"]}
    result = combine({"enh_model.w": enh}, grads, groups, method).gradients
    parameters = [torch.nn.Parameter(torch.zeros_like(g)) for g in result.values()]
    for parameter, grad in zip(parameters, result.values(), strict=True):
        parameter.grad = grad
    torch.nn.utils.clip_grad_norm_(parameters, CLIP)
    return (parameters[1].grad.norm() / recogniser.norm()).item()


def test_5_one_stretched_tensor_does_not_silence_the_recogniser():
    assert share_of_the_recogniser(None) < 2e-3
    assert share_of_the_recogniser("dynamic") > 0.2


@pytest.mark.parametrize("enh_weight", [0.1, 0.3, 0.6])
def test_8_the_ratio_that_k_is_compared_with_is_that_of_the_weighted_losses(enh_weight):
    """The paper's K on raw losses would be K (1 - w) / w; the log shows what counts."""
    ratios = []
    for weight in (0.5, enh_weight):
        model = tiny.tiny_model(enh_weight=weight)
        conf = {"granularity": "module", "probe": True}
        wrap(model, "sum", **conf)(**tiny.batch())["loss"].backward()
        ratios.append(STATISTICS["grad_ratio"])
    assert ratios[1] == pytest.approx(ratios[0] * enh_weight / (1 - enh_weight))


class Toy(torch.nn.Module):
    """A shared layer; which losses reach which layers is said by the batch."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.enh_model = torch.nn.ModuleDict(
            {name: torch.nn.Linear(3, 3) for name in ("shared", "enh_only", "seldom")}
        )

    def forward(self, speech, seldom=False, asr_scale=1.0):
        hidden = self.enh_model["shared"](speech)
        enh = self.enh_model["enh_only"](hidden).square().sum()[None]
        if seldom:
            hidden = self.enh_model["seldom"](hidden)
        asr = asr_scale * (hidden - 1).square().sum()[None]
        losses = {"loss": enh + asr, "loss_enh": enh, "loss_asr": asr}
        return {**losses, "stats": {}, "weight": 1}


def test_9_a_zero_asr_gradient_is_no_overflow():
    """0 / 0 made the step nan, and the loss scale was halved for no reason."""
    model = Toy()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    before = model.enh_model["shared"].weight.detach().clone()
    module = wrap(model, scaler=scaler)
    loss = module(speech=torch.ones(2, 3), asr_scale=0.0)["loss"].sum()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    scaler.step(optimizer)
    scaler.update()
    assert norm.isfinite()
    assert scaler.get_scale() == 1024
    assert not torch.equal(model.enh_model["shared"].weight, before)


def test_an_overflow_is_one_and_halves_the_scale():
    model = Toy()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=1e38)
    before = model.enh_model["shared"].weight.detach().clone()
    loss = wrap(model, scaler=scaler)(speech=100 * torch.ones(2, 3))["loss"].sum()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == pytest.approx(5e37)
    assert torch.equal(model.enh_model["shared"].weight, before)


def test_11_layers_that_one_loss_reaches_or_none_in_some_micro_batches():
    model = Toy()
    module = wrap(model, accum_grad=3)
    for seldom in (False, True, False):
        loss = module(speech=torch.ones(2, 3), seldom=seldom)["loss"]
        (loss.sum() / 3).backward()
    by_hand = Toy()
    (by_hand(torch.ones(2, 3), True)["loss_asr"].sum() / 3).backward()
    expected = by_hand.enh_model["seldom"].weight.grad
    torch.testing.assert_close(in_grad(model)["enh_model.seldom.weight"], expected)
    by_hand.zero_grad()
    by_hand(torch.ones(2, 3))["loss_enh"].sum().backward()
    expected = by_hand.enh_model["enh_only"].weight.grad
    torch.testing.assert_close(in_grad(model)["enh_model.enh_only.weight"], expected)


def test_11_a_layer_that_no_loss_reaches_keeps_no_gradient():
    """A zero one would move it all the same, by Adam's memory or weight decay."""
    model = Toy()
    wrap(model)(speech=torch.ones(2, 3))["loss"].sum().backward()
    assert "enh_model.seldom.weight" not in in_grad(model)


def test_15_gradients_that_are_views_or_transposed_are_read_right():
    enh, asr = torch.randn(4, 6), torch.randn(6, 4)
    method = make_method("remedy", GradientConf(threshold=0.1))
    groups = {"enh_model": ["enh_model.w"]}
    strided = {"enh_model.w": asr.t()}
    plain = {"enh_model.w": asr.t().contiguous()}
    enh_grads = {"enh_model.w": enh}
    one = combine(enh_grads, plain, groups, method).gradients["enh_model.w"]
    two = combine(enh_grads, strided, groups, method).gradients["enh_model.w"]
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e7])
def test_16_float32_gradients_of_a_million_numbers_are_decided_as_in_float64(ratio):
    generator = torch.Generator().manual_seed(0)
    enh, asr = (torch.randn(10**6, generator=generator) for _ in range(2))
    enh = (enh - 0.01 * asr) * ratio
    found = remedy_weights(gramians([enh], [asr])[0], max_stretch="dynamic")
    exact = gramians([enh.double()], [asr.double()])[0]
    expected = remedy_weights(exact, max_stretch="dynamic")
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=0)
