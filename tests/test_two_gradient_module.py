"""The module between upstream's loop and the model: one process, windows, scaler."""

import weakref

import pytest
import tiny
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from espnet2.train import gradient_window
from espnet2.train.gradient_averaging import start_sum_over_ranks
from espnet2.train.gradient_decision import statistics
from espnet2.train.gradient_methods import METHODS, make_method
from espnet2.train.gradient_options import GradientConf
from espnet2.train.gradient_surgery import combine, named_gradients
from espnet2.train.two_gradient_module import TwoGradientModule

SHARED = ["enh_model"]
REMEDY = {"threshold": 0.5, "max_stretch": "dynamic"}


STATISTICS: dict[str, float] = {}  # of the last decision


def report(names, values) -> None:
    STATISTICS.update(statistics(values))


def wrap(model, method="remedy", shared=SHARED, accum_grad=1, scaler=None, **conf):
    conf = GradientConf(**{**REMEDY, **conf})
    found = make_method(method, conf)
    return TwoGradientModule(model, found, shared, accum_grad, scaler, report)


def two_gradients(model, batch) -> tuple[dict, dict]:
    """The SE and the ASR gradient from two plain backward passes."""
    parameters = dict(model.named_parameters())
    enh = named_gradients(model(**batch)["loss_enh"].sum(), parameters)
    asr = named_gradients(model(**batch)["loss_asr"].sum(), parameters)
    return enh, asr


def remedied(enh, asr, **conf) -> dict[str, torch.Tensor]:
    groups = {"enh_model": [name for name in enh if name.startswith("enh_model.")]}
    method = make_method("remedy", GradientConf(**{**REMEDY, **conf}))
    return combine(enh, asr, groups, method).gradients


def expected_remedy(model, batch) -> dict[str, torch.Tensor]:
    return remedied(*two_gradients(model, batch))


def single_precision(batch: dict) -> dict:
    return {
        key: value.float() if key in ("speech", "speech_ref1") else value
        for key, value in batch.items()
    }


def assert_same(one: dict, other: dict, tolerance: float = 1e-6) -> None:
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(
            one[name], other[name], rtol=tolerance, atol=tolerance, msg=name
        )


def test_loss_value_is_the_models_and_gradient_is_the_remedy():
    model = tiny.tiny_model()
    output = wrap(model)(**tiny.batch())
    torch.testing.assert_close(output["loss"], model(**tiny.batch())["loss"])
    got = tiny.gradients(model, output["loss"])
    assert_same(got, expected_remedy(model, tiny.batch()))
    assert STATISTICS["grad_rescaled"] > 0


def test_sum_is_the_gradient_of_the_summed_loss():
    model = tiny.tiny_model()
    got = tiny.gradients(model, wrap(model, "sum")(**tiny.batch())["loss"])
    assert_same(got, tiny.gradients(model, model(**tiny.batch())["loss"]))


def test_a_batch_without_an_se_loss_gives_the_plain_asr_gradient():
    model = tiny.tiny_model()
    real = tiny.batch(kind="_REAL")
    STATISTICS.clear()
    got = tiny.gradients(model, wrap(model)(**real)["loss"])
    assert_same(got, tiny.gradients(model, model(**real)["loss"]))
    assert STATISTICS == {}


def test_frozen_parameters_get_no_gradient_and_no_say():
    model = tiny.tiny_model()
    model.enh_model.separator.linear.requires_grad_(False)
    got = tiny.gradients(model, wrap(model)(**tiny.batch())["loss"])
    assert "enh_model.separator.linear.0.weight" not in got
    assert "enh_model.separator.rnn.l_last.weight" in got


def test_an_se_only_parameter_keeps_its_se_gradient():
    """Its ASR gradient is None, on which the authors' code fails."""

    class WithNoiseHead(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.enh_model = torch.nn.ModuleDict(
                {"shared": torch.nn.Linear(3, 3), "noise": torch.nn.Linear(3, 1)}
            )

        def forward(self, speech):
            hidden = self.enh_model["shared"](speech)
            enh, asr = self.enh_model["noise"](hidden).sum(), hidden.square().sum()
            loss = {"loss": (enh + asr)[None], "loss_enh": enh[None]}
            return {**loss, "loss_asr": asr[None], "stats": {}, "weight": 1}

    model = WithNoiseHead()
    got = tiny.gradients(model, wrap(model)(speech=torch.ones(2, 3))["loss"])
    assert got["enh_model.noise.bias"].tolist() == [2.0]


def test_a_scaled_run_takes_the_same_decisions_on_unscaled_gradients():
    """A GradScaler works on tensors of any device; upstream makes one for CUDA."""
    model = tiny.tiny_model()
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    output = wrap(model, scaler=scaler)(**tiny.batch())
    scaled = tiny.gradients(model, scaler.scale(output["loss"]))
    unscaled = {name: grad / 1024 for name, grad in scaled.items()}
    assert_same(unscaled, expected_remedy(model, tiny.batch()))


def test_an_overflow_of_the_scaled_loss_is_not_hidden():
    model = tiny.tiny_model().float()
    scaler = torch.amp.GradScaler("cpu", init_scale=1e38)
    output = wrap(model, scaler=scaler)(**single_precision(tiny.batch()))
    grads = tiny.gradients(model, scaler.scale(output["loss"]))
    assert not all(torch.isfinite(grad).all() for grad in grads.values())


def test_data_parallel_is_refused():
    with pytest.raises(ValueError, match="multiprocessing_distributed"):
        wrap(torch.nn.DataParallel(tiny.tiny_model()))


def test_a_prefix_that_matches_nothing_is_refused():
    with pytest.raises(ValueError, match="top-level names are enh_model, s2t_model"):
        wrap(tiny.tiny_model(), shared=["frontend"])


def window(module, batches) -> None:
    """Run a window as upstream's loop does, each loss over the window's length."""
    for batch in batches:
        (module(**batch)["loss"] / module.accum_grad).backward()


def averaged(gradients: list[dict]) -> dict[str, torch.Tensor]:
    """The mean over the micro-batches; a missing gradient counts as zero."""
    names = {name for grads in gradients for name in grads}
    return {
        name: sum(grads[name] for grads in gradients if name in grads) / len(gradients)
        for name in names
    }


def in_grad(model) -> dict[str, torch.Tensor]:
    return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("granularity", ["tensor", "module"])
def test_the_decision_is_taken_once_on_the_sum_of_the_window(granularity):
    """The authors' code decides on every micro-batch and adds the results."""
    model = tiny.tiny_model()
    batches = [tiny.batch(seed=seed) for seed in range(3)]
    pairs = [two_gradients(model, batch) for batch in batches]
    enh, asr = (averaged([pair[i] for pair in pairs]) for i in range(2))
    window(wrap(model, accum_grad=3, granularity=granularity), batches)
    assert_same(in_grad(model), remedied(enh, asr, granularity=granularity))


def test_per_batch_decides_on_every_micro_batch_and_adds_the_results():
    model = tiny.tiny_model()
    batches = [tiny.batch(seed=seed) for seed in range(3)]
    expected = averaged([expected_remedy(model, batch) for batch in batches])
    window(wrap(model, accum_grad=3, per_batch=True), batches)
    assert_same(in_grad(model), expected)
    once = tiny.tiny_model()
    window(wrap(once, accum_grad=3), batches)
    name = "enh_model.separator.linear.0.weight"
    assert not torch.allclose(in_grad(once)[name], expected[name])


@pytest.mark.parametrize("last", [0, 1, 2])
def test_micro_batches_without_an_se_loss_count_as_zeros(last):
    model = tiny.tiny_model()
    kinds = ["", "_REAL", "_CLEAN"]
    kinds = kinds[last + 1 :] + kinds[: last + 1]
    batches = [tiny.batch(seed=seed, kind=kind) for seed, kind in enumerate(kinds)]
    parameters = dict(model.named_parameters())
    enh, asr = {}, []
    for batch in batches:
        output = model(**batch)
        if output["loss_enh"] is not None:
            found = named_gradients(output["loss_enh"].sum(), parameters, True)
            enh = {name: grad / 3 for name, grad in found.items()}
        asr.append(named_gradients(output["loss_asr"].sum(), parameters))
    window(wrap(model, accum_grad=3), batches)
    assert_same(in_grad(model), remedied(enh, averaged(asr)))


def test_windows_do_not_leak_into_each_other():
    model = tiny.tiny_model()
    module = wrap(model, accum_grad=2)
    window(module, [tiny.batch(seed=seed) for seed in (5, 6)])
    model.zero_grad()
    window(module, [tiny.batch(seed=seed) for seed in (0, 1)])
    fresh = tiny.tiny_model()
    window(wrap(fresh, accum_grad=2), [tiny.batch(seed=seed) for seed in (0, 1)])
    assert_same(in_grad(model), in_grad(fresh), tolerance=0)


@pytest.mark.parametrize("method", ["sum", "asr_only"])
def test_a_probe_measures_and_changes_nothing(method):
    model, probed = tiny.tiny_model(), tiny.tiny_model()
    STATISTICS.clear()
    window(wrap(model, method), [tiny.batch()])
    assert STATISTICS == {}
    window(wrap(probed, method, probe=True), [tiny.batch()])
    assert_same(in_grad(probed), in_grad(model), tolerance=1e-12)
    remedy_model = tiny.tiny_model()
    conflict = dict(STATISTICS)
    window(wrap(remedy_model), [tiny.batch()])
    for key in ("grad_cosine", "grad_conflict", "grad_ratio"):
        assert conflict[key] == pytest.approx(STATISTICS[key])


@pytest.mark.parametrize("scaled", [False, True])
def test_a_probe_of_what_is_not_finite_changes_nothing_either(scaled):
    """0 times Inf, of an SE gradient that ``asr_only`` does not use, is NaN."""
    names = {"enh_model": ["w"]}
    enh, asr = {"w": torch.tensor([torch.inf, 1.0])}, {"w": torch.tensor([1.0, 2.0])}
    scale = torch.tensor(4.0) if scaled else None
    method = make_method("asr_only", GradientConf(probe=True))
    found = combine(enh, asr, names, method, scale)
    assert found.gradients["w"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("method", ["sum", "asr_only"])
def test_methods_that_take_nothing_apart_need_no_shared_parameters(method):
    model = tiny.tiny_model()
    model.enh_model.requires_grad_(False)
    window(wrap(model, method), [tiny.batch()])
    assert all(name.startswith("s2t_model.") for name in in_grad(model))
    with pytest.raises(ValueError, match="shared_params"):
        wrap(model, "remedy")


@pytest.fixture
def one_rank():
    """A group of one process, in which DDP makes the same calls as among many."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize("distributed", [False, True])
def test_se_gradients_are_given_up_at_the_end_of_their_step(
    distributed, one_rank, monkeypatch
):
    """They were held during the next forward pass, where memory is scarcest."""
    held = []

    def watched(enh_grads, *rest):
        held.extend(map(weakref.ref, enh_grads.values()))
        return combine(enh_grads, *rest)

    monkeypatch.setattr(gradient_window, "combine", watched)
    model = tiny.tiny_model()
    module = wrap(DistributedDataParallel(model) if distributed else model)
    module(**tiny.batch())["loss"].backward()
    assert held and not any(reference() is not None for reference in held)


def test_gradients_are_given_up_once_they_are_on_their_way_to_the_ranks(one_rank):
    gradient = torch.ones(3)
    held = weakref.ref(gradient)
    wait = start_sum_over_ranks({"a": gradient}, {"a": torch.zeros(3)})
    del gradient
    assert held() is None
    torch.testing.assert_close(wait(), {"a": torch.ones(3)})


def test_forward_passes_alone_do_not_move_the_window():
    """As upstream's drawing of the graph does, which then fails or not."""
    batches = [tiny.batch(seed=seed) for seed in (0, 1)]
    model, drawn = tiny.tiny_model(), tiny.tiny_model()
    window(wrap(model, accum_grad=2), batches)
    module = wrap(drawn, accum_grad=2)
    module(**tiny.batch())
    window(module, batches)
    assert_same(in_grad(drawn), in_grad(model), tolerance=0)


class Recomputing(torch.nn.Module):
    """Keeps no activations of another module."""

    def __init__(self, inner: torch.nn.Module, reentrant: bool) -> None:
        super().__init__()
        self.inner, self.reentrant = inner, reentrant

    def forward(self, *inputs):
        anchor = torch.zeros((), requires_grad=True)  # or the block had no graph

        def run(anchor):
            return self.inner(*inputs)

        return checkpoint(run, anchor, use_reentrant=self.reentrant)


def test_reentrant_checkpointing_of_the_se_module_is_refused():
    """G_SE of all in there was lost in silence: the remedy saw one gradient only."""
    model, stock = tiny.tiny_model(), tiny.tiny_model()
    linear = model.enh_model.separator.linear
    linear[0] = Recomputing(linear[0], reentrant=False)
    window(wrap(model), [tiny.batch()])
    window(wrap(stock), [tiny.batch()])
    renamed = {n.replace(".inner", ""): g for n, g in in_grad(model).items()}
    assert_same(renamed, in_grad(stock))
    linear[0].reentrant = True
    with pytest.raises(ValueError, match="use_reentrant=False"):
        window(wrap(model), [tiny.batch()])


@pytest.mark.parametrize("method", METHODS)
def test_every_method_leaves_the_recognisers_gradient_as_it_is(method):
    model, stock = tiny.tiny_model(), tiny.tiny_model()
    window(wrap(model, method), [tiny.batch()])
    expected = tiny.gradients(stock, stock(**tiny.batch())["loss"])
    found = in_grad(model)
    assert found.keys() == expected.keys()
    for name in expected:
        if name.startswith("s2t_model."):
            torch.testing.assert_close(found[name], expected[name])
        assert found[name].isfinite().all()


def test_bf16_autocast_takes_the_decisions_in_full_precision():
    model, twin = tiny.tiny_model().float(), tiny.tiny_model().float()
    batch = single_precision(tiny.batch())
    # Without oneDNN, whose LSTM has no bf16 on processors without AVX-512.
    plain = torch.backends.mkldnn.flags(enabled=False)
    with plain, torch.autocast("cpu", dtype=torch.bfloat16):
        module = wrap(model)
        module(**batch)["loss"].backward()
        parameters = dict(twin.named_parameters())
        output = twin(**batch)
        enh = named_gradients(output["loss_enh"].sum(), parameters, True)
        asr = named_gradients(output["loss_asr"].sum(), parameters)
    assert all(grad.dtype == torch.float32 for grad in in_grad(model).values())
    assert_same(in_grad(model), remedied(enh, asr), tolerance=1e-5)


@pytest.mark.slow
def test_a_compiled_se_module_gives_the_same_gradients():
    """Compiled for a batch without an SE loss, it frees what two passes need."""

    class Toy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            layers = torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 4)
            self.enh_model = torch.nn.Sequential(*layers, torch.nn.Sigmoid())

        def forward(self, speech, real=False):
            hidden = self.enh_model(speech)
            enh, asr = hidden.square().sum()[None], (hidden - 1).abs().sum()[None]
            loss = {"loss_enh": None if real else enh, "loss_asr": asr}
            return {**loss, "loss": enh + asr, "stats": {}, "weight": 1}

    plain, compiled = Toy(), Toy()
    compiled.enh_model = torch.compile(compiled.enh_model, backend="aot_eager")
    speech = torch.randn(6, 4)
    modules = wrap(plain), wrap(compiled)
    for module in modules:
        module(speech=speech, real=True)["loss"].backward()
        module(speech=speech)["loss"].backward()
    got = {n.replace("_orig_mod.", ""): g for n, g in in_grad(compiled).items()}
    assert_same(got, in_grad(plain), tolerance=1e-5)


class Detached(torch.nn.Module):
    """A recogniser that runs without gradients, as upstream's frozen Whisper does."""

    def __init__(self, detached: bool) -> None:
        super().__init__()
        self.enh_model, self.s2t_model = torch.nn.Linear(3, 3), torch.nn.Linear(3, 1)
        self.detached = detached

    def forward(self, speech):
        enhanced = self.enh_model(speech)
        heard = enhanced.detach() if self.detached else enhanced
        enh, asr = enhanced.square().sum(), self.s2t_model(heard).sum()
        losses = {"loss": (enh + asr)[None], "loss_enh": enh[None]}
        return {**losses, "loss_asr": asr[None], "stats": {}, "weight": 1}


@pytest.mark.parametrize(
    ("detached", "shared", "message"),
    [
        (True, "enh_model", "enh_model: the ASR loss has no gradient there"),
        (False, "s2t_model", "s2t_model: the SE loss has no gradient there"),
    ],
)
def test_two_losses_that_share_nothing_are_an_error(detached, shared, message):
    """It ran on, logged no figure and said nothing."""
    model = Detached(detached)
    with pytest.raises(ValueError, match=message):
        wrap(model, shared=[shared])(speech=torch.ones(2, 3))["loss"].backward()
