"""The module between upstream's loop and the model: one process, scaler, two ranks."""

import tempfile
from pathlib import Path

import pytest
import tiny
import torch
import torch.multiprocessing as mp

from espnet2.torch_utils.recursive_op import recursive_average
from espnet2.train.gradient_options import GradientConf
from espnet2.train.gradient_surgery import combine, named_gradients
from espnet2.train.two_gradient_module import TwoGradientModule, attach_gradients

SHARED = ["enh_model"]
REMEDY = GradientConf(threshold=0.5, max_stretch="dynamic")


def wrap(model, method="remedy", conf=REMEDY, scaler=None):
    return TwoGradientModule(model, method, conf, SHARED, scaler=scaler)


def expected_remedy(model, batch) -> dict[str, torch.Tensor]:
    """The remedy from two plain backward passes over two forward passes."""
    parameters = dict(model.named_parameters())
    enh = named_gradients(model(**batch)["loss_enh"].sum(), parameters)
    asr = named_gradients(model(**batch)["loss_asr"].sum(), parameters)
    groups = {"enh_model": [n for n in parameters if n.startswith("enh_model.")]}
    return combine(enh, asr, groups, "remedy", REMEDY).gradients


def assert_same(one: dict, other: dict, tolerance: float = 1e-6) -> None:
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(
            one[name], other[name], rtol=tolerance, atol=tolerance, msg=name
        )


def test_attached_gradients_replace_those_of_the_loss():
    weight = torch.ones(3, requires_grad=True)
    given = torch.tensor([1.0, 2.0, 3.0])
    loss = attach_gradients((weight * 7).sum(), {"w": given}, {"w": weight})
    assert loss.item() == 21
    (loss / 2).backward()
    assert weight.grad.tolist() == [0.5, 1.0, 1.5]


def test_loss_value_is_the_models_and_gradient_is_the_remedy():
    model = tiny.tiny_model()
    output = wrap(model)(**tiny.batch())
    torch.testing.assert_close(output["loss"], model(**tiny.batch())["loss"])
    got = tiny.gradients(model, output["loss"])
    assert_same(got, expected_remedy(model, tiny.batch()))
    assert output["stats"]["grad_rescaled"] > 0


def test_sum_is_the_gradient_of_the_summed_loss():
    model = tiny.tiny_model()
    got = tiny.gradients(model, wrap(model, "sum")(**tiny.batch())["loss"])
    assert_same(got, tiny.gradients(model, model(**tiny.batch())["loss"]))


def test_a_batch_without_an_se_loss_gives_the_plain_asr_gradient():
    model = tiny.tiny_model()
    real = tiny.batch(kind="_REAL")
    output = wrap(model)(**real)
    got = tiny.gradients(model, output["loss"])
    assert_same(got, tiny.gradients(model, model(**real)["loss"]))
    assert "grad_cosine" not in output["stats"]


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
    single = tiny.batch()
    for name in ("speech", "speech_ref1"):
        single[name] = single[name].float()
    output = wrap(model, scaler=scaler)(**single)
    grads = tiny.gradients(model, output["loss"])
    assert not all(torch.isfinite(grad).all() for grad in grads.values())


def test_data_parallel_is_refused():
    with pytest.raises(ValueError, match="multiprocessing_distributed"):
        wrap(torch.nn.DataParallel(tiny.tiny_model()))


def test_a_prefix_that_matches_nothing_is_refused():
    with pytest.raises(ValueError, match="top-level names are enh_model, s2t_model"):
        TwoGradientModule(tiny.tiny_model(), "remedy", REMEDY, ["frontend"])


def utterances(chosen: slice) -> dict:
    """Some of eight utterances of one length, so that padding plays no part."""
    whole = tiny.batch(size=8, step=0)
    return {name: value[chosen] for name, value in whole.items()}


# (share of each rank, suffix of its utterance ids) by the name of the case
CASES = {
    "equal": ([slice(0, 4), slice(4, 8)], ["", ""]),
    "unequal": ([slice(0, 3), slice(3, 8)], ["", ""]),
    "real": ([slice(0, 4), slice(4, 8)], ["", "_REAL"]),
}


def _rank_gradients(rank: int, shares: list[slice], kinds: list[str]) -> dict:
    """One rank's gradients of its share of the batch, by upstream's arithmetic."""
    model = tiny.tiny_model(seed=0)
    ddp = torch.nn.parallel.DistributedDataParallel(model, find_unused_parameters=True)
    share = utterances(shares[rank])
    share["utt_id"] = [name + kinds[rank] for name in share["utt_id"]]
    output = wrap(ddp)(**share)
    loss = (output["loss"] * output["weight"].float()).sum()
    stats = {k: v for k, v in output["stats"].items() if v is not None}
    stats, weight = recursive_average(stats, output["weight"], distributed=True)
    assert all(torch.isfinite(value) for value in stats.values()), stats
    loss = loss / weight * torch.distributed.get_world_size()
    return tiny.gradients(model, loss)


class WithBatchNorm(torch.nn.Module):
    """Two losses of a normalised input."""

    def __init__(self):
        super().__init__()
        self.enh_model = torch.nn.BatchNorm1d(3)

    def forward(self, speech):
        hidden = self.enh_model(speech)
        enh, asr = hidden.sum()[None], hidden.square().sum()[None]
        output = {"loss": enh + asr, "loss_enh": enh, "loss_asr": asr, "stats": {}}
        return {**output, "weight": torch.tensor([len(speech)])}


def _rank_buffers(rank: int) -> dict:
    """The running statistics with which a rank validates after two training steps."""
    ddp = torch.nn.parallel.DistributedDataParallel(WithBatchNorm())
    module = wrap(ddp)
    for step in (1.0, 2.0):
        module(speech=torch.randn(5, 3) + step + 10 * rank)["loss"].sum().backward()
    ddp.eval()
    with torch.no_grad():
        ddp(speech=torch.zeros(2, 3))
    return dict(ddp.module.named_buffers())


def _rank_main(rank: int, folder: str) -> None:
    """One rank of a gloo run that goes through all cases."""
    store = torch.distributed.FileStore(f"{folder}/store", 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    for name, (shares, kinds) in CASES.items():
        torch.save(_rank_gradients(rank, shares, kinds), f"{folder}/{name}.{rank}.pt")
    torch.save(_rank_buffers(rank), f"{folder}/buffers.{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def ranks() -> dict[str, list[dict]]:
    """The gradients of both ranks by case."""
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_rank_main, (folder,), nprocs=2)
        return {
            name: [
                torch.load(Path(folder, f"{name}.{rank}.pt"), weights_only=True)
                for rank in range(2)
            ]
            for name in (*CASES, "buffers")
        }


@pytest.mark.parametrize("case", ["equal", "unequal"])
def test_two_ranks_decide_as_one_process_on_the_whole_batch(ranks, case):
    """Under DDP the authors' code matches no name and drops the SE gradient."""
    one, other = ranks[case]
    expected = expected_remedy(tiny.tiny_model(seed=0), utterances(slice(0, 8)))
    assert_same(one, other, tolerance=0)
    assert_same(one, expected)


def test_a_rank_without_an_se_loss_neither_hangs_nor_differs(ranks):
    one, other = ranks["real"]
    assert_same(one, other, tolerance=0)
    model = tiny.tiny_model(seed=0)
    alone = expected_remedy(model, utterances(slice(0, 4)))
    assert any(not torch.allclose(one[name], alone[name]) for name in one)


def test_all_ranks_validate_with_the_running_statistics_of_the_first(ranks):
    """As under stock DDP; forwards under no_sync alone would never share them."""
    one, other = ranks["buffers"]
    assert_same(one, other, tolerance=0)
    assert 0 < one["enh_model.running_mean"].mean() < 1
