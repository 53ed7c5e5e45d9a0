"""Several ranks (gloo) through upstream's own loop, against one process."""

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny
import torch
import torch.distributed as dist
from start_ranks import start_ranks
from torch.nn.parallel import DistributedDataParallel

from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import GradientConf
from espnet2.train.gradient_surgery import combine, named_gradients
from espnet2.train.reporter import Reporter
from espnet2.train.trainer import Trainer
from espnet2.train.trainer_gradient_remedy import GradientRemedyTrainer
from espnet2.train.two_gradient_module import TwoGradientModule

pytestmark = pytest.mark.slow

CONF = {"threshold": 0.5, "max_stretch": "dynamic"}
STEPS = 3


@dataclasses.dataclass
class Case:
    """What a run trains on: parts[rank][micro-batch] of eight utterances."""

    parts: list[list[slice]]
    method: str = "remedy"
    conf: dict = dataclasses.field(default_factory=dict)
    kinds: list[str] | None = None
    trainer: type[Trainer] = GradientRemedyTrainer
    frozen: bool = False  # the recogniser

    def batches(self, rank: int) -> Iterator[tuple[list[str], dict]]:
        """The rank's micro-batches of all steps, in upstream's form."""
        for step in range(STEPS):
            for part in self.parts[rank]:
                batch = utterances(part, seed=step)
                suffix = self.kinds[rank] if self.kinds else ""
                yield [name + suffix for name in batch.pop("utt_id")], batch


def utterances(chosen: slice, seed: int) -> dict:
    """Some of eight utterances of one length, so that padding plays no part."""
    whole = tiny.batch(size=8, seed=seed, step=0)
    return {name: value[chosen] for name, value in whole.items()}


HALVES = [[slice(0, 4)], [slice(4, 8)]]
UNEQUAL = [[slice(0, 3)], [slice(3, 8)]]
WINDOWS = [[slice(0, 2), slice(2, 4)], [slice(4, 6), slice(6, 8)]]
ONE = [[slice(0, 8)]]
MODULE = {"granularity": "module"}

TWO_RANKS = {
    "equal tensor": Case(HALVES),
    "equal module": Case(HALVES, conf=MODULE),
    "unequal tensor": Case(UNEQUAL),
    "unequal module": Case(UNEQUAL, conf=MODULE),
    "windows": Case(WINDOWS),
    "sum": Case(UNEQUAL, "sum"),
    "asr_only": Case(UNEQUAL, "asr_only"),
    "probe": Case(UNEQUAL, "sum", {"probe": True}),
    "gradvac": Case(UNEQUAL, "gradvac"),
    "smoothing": Case(UNEQUAL, conf={"smoothing": 0.9}),
    "stock": Case(UNEQUAL, trainer=Trainer),
    "per batch": Case(WINDOWS, conf={"per_batch": True}),
    "real": Case(HALVES, kinds=["", "_REAL"]),
    "clean": Case(HALVES, kinds=["", "_CLEAN"]),
    "no loss": Case(HALVES, kinds=["_REAL", "_CLEAN"]),
    "frozen": Case(HALVES, kinds=["", "_CLEAN"], frozen=True),
    "nothing": Case(HALVES, kinds=["_CLEAN", "_CLEAN"], frozen=True),
}
THREE_RANKS = {
    "one real": Case(
        [[slice(0, 3)], [slice(3, 5)], [slice(5, 8)]], kinds=["", "_REAL", ""]
    )
}


def train(case: Case, rank: int, world: int) -> dict:
    """One epoch on one rank; returns parameters, statistics and collectives."""
    model = tiny.tiny_model(seed=0)
    model.s2t_model.requires_grad_(not case.frozen)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    args = tiny.tiny_args(accum_grad=len(case.parts[rank]))
    args.gradient_method, args.gradient_conf = case.method, {**CONF, **case.conf}
    args.use_matplotlib = False
    with tempfile.TemporaryDirectory() as args.output_dir:
        wrapped = model
        if world > 1:
            unused = case.trainer is Trainer
            wrapped = DistributedDataParallel(
                model, gradient_as_bucket_view=True, find_unused_parameters=unused
            )
        reporter = Reporter()
        reporter.set_epoch(1)
        with reporter.observe("train") as sub_reporter:
            case.trainer.train_one_epoch(
                model=wrapped,
                iterator=list(case.batches(rank)),
                optimizers=[optimizer],
                schedulers=[None],
                scaler=None,
                reporter=sub_reporter,
                summary_writer=None,
                options=case.trainer.build_options(args),
                distributed_option=DistributedOption(
                    distributed=world > 1, dist_rank=rank, dist_world_size=world
                ),
            )
    stats = {k: float(v) for k, v in reporter.stats[1]["train"].items() if "grad" in k}
    return {"parameters": dict(model.state_dict()), "stats": stats}


def _count_collectives(rank: int) -> list[int]:
    """Collectives of ours alone in a window of 1 and in one of 4 micro-batches."""
    found = []
    for accum_grad in (1, 4):
        model = DistributedDataParallel(tiny.tiny_model())
        method = make_method("remedy", GradientConf(**CONF))
        module = TwoGradientModule(model, method, ["enh_model"], accum_grad)
        calls, original = [], dist.all_reduce

        def counting(*args, calls=calls, original=original, **kwargs):
            calls.append(args[0].numel())
            return original(*args, **kwargs)

        dist.all_reduce = counting
        for seed in range(accum_grad):
            module(**tiny.batch(seed=seed))["loss"].backward()
        dist.all_reduce = original
        found.append(len(calls))
    return found


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


def _buffers(rank: int) -> dict:
    """The running statistics with which a rank validates after two training steps."""
    ddp = DistributedDataParallel(WithBatchNorm())
    method = make_method("remedy", GradientConf(**CONF))
    module = TwoGradientModule(ddp, method, ["enh_model"])
    for step in (1.0, 2.0):
        module(speech=torch.randn(5, 3) + step + 10 * rank)["loss"].sum().backward()
    ddp.eval()
    with torch.no_grad():
        ddp(speech=torch.zeros(2, 3))
    return dict(ddp.module.named_buffers())


def _rank_main(rank: int, world: int, folder: str) -> None:
    """One rank of a gloo run that goes through all cases."""
    store = dist.FileStore(f"{folder}/store", world)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=world)
    cases = TWO_RANKS if world == 2 else THREE_RANKS
    found = {name: train(case, rank, world) for name, case in cases.items()}
    if world == 2:
        found["collectives"] = _count_collectives(rank)
        found["buffers"] = _buffers(rank)
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def spawn(world: int) -> list[dict]:
    """What each rank found."""
    with tempfile.TemporaryDirectory() as folder:
        start_ranks(_rank_main, (world, folder), world)
        files = [Path(folder, f"{rank}.pt") for rank in range(world)]
        return [torch.load(file, weights_only=True) for file in files]


@pytest.fixture(scope="module")
def two_ranks() -> list[dict]:
    return spawn(2)


def assert_same(one: dict, other: dict, tolerance: float = 1e-6) -> None:
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(
            one[name], other[name], rtol=tolerance, atol=tolerance, msg=name
        )


@pytest.mark.parametrize(
    ("name", "alone"),
    [
        ("equal tensor", Case(ONE)),
        ("equal module", Case(ONE, conf=MODULE)),
        ("unequal tensor", Case(ONE)),
        ("unequal module", Case(ONE, conf=MODULE)),
        ("windows", Case(ONE)),
        ("sum", Case(ONE, "sum")),
        ("asr_only", Case(ONE, "asr_only")),
        ("probe", Case(ONE, "sum")),
        ("gradvac", Case(ONE, "gradvac")),
        ("smoothing", Case(ONE, conf={"smoothing": 0.9})),
        ("sum", Case(ONE, trainer=Trainer)),
        ("stock", Case(ONE, "sum")),
    ],
)
def test_two_ranks_train_as_one_process_on_the_whole_batch(two_ranks, name, alone):
    """Under DDP the authors' code matches no name and drops the SE gradient."""
    expected = train(alone, 0, 1)["parameters"]
    assert_same(two_ranks[0][name]["parameters"], expected)
    start = tiny.tiny_model(seed=0).state_dict()
    moved = [n for n in expected if not torch.allclose(start[n], expected[n])]
    assert len(moved) > 20


@pytest.mark.parametrize("name", sorted(TWO_RANKS.keys() - {"stock"}))
def test_ranks_stay_the_same_bit_for_bit(two_ranks, name):
    one, other = (ranks[name] for ranks in two_ranks)
    assert_same(one["parameters"], other["parameters"], tolerance=0)
    statistics = [k for k in one["stats"] if k != "grad_norm"]
    assert [one["stats"][k] for k in statistics] == pytest.approx(
        [other["stats"][k] for k in statistics], nan_ok=True, abs=0
    )


def test_decisions_per_micro_batch_differ_from_one_decision(two_ranks):
    name = "enh_model.separator.linear.0.weight"
    once, each = (two_ranks[0][n]["parameters"][name] for n in ("windows", "per batch"))
    assert not torch.allclose(once, each)


def test_without_any_se_loss_a_step_is_the_plain_asr_step(two_ranks):
    """Rank 0 has REAL, rank 1 CLEAN utterances: the SE module has an ASR gradient."""

    stats = two_ranks[0]["no loss"]["stats"]
    assert not any(name.startswith("grad_c") for name in stats)
    start = tiny.tiny_model(seed=0).state_dict()
    name = "enh_model.separator.linear.0.weight"
    assert not torch.equal(two_ranks[0]["no loss"]["parameters"][name], start[name])


def test_batches_that_train_nothing_on_any_rank_leave_all_as_it_is(two_ranks):
    start = tiny.tiny_model(seed=0).state_dict()
    assert_same(two_ranks[0]["nothing"]["parameters"], dict(start), tolerance=0)


@pytest.mark.parametrize("name", ["real", "clean", "frozen"])
def test_a_rank_without_an_se_loss_adds_zeros(two_ranks, name):
    assert_same(two_ranks[0][name]["parameters"], slow_twin(TWO_RANKS[name]))


def test_three_ranks_of_which_one_lacks_the_se_loss():
    ranks = spawn(3)
    expected = slow_twin(THREE_RANKS["one real"])
    for rank in ranks:
        assert_same(rank["one real"]["parameters"], expected)


def slow_twin(case: Case) -> dict[str, torch.Tensor]:
    """Train on upstream's weighted mean of all ranks' losses, by hand."""
    model = tiny.tiny_model(seed=0)
    model.s2t_model.requires_grad_(not case.frozen)
    parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    method = make_method(case.method, GradientConf(**{**CONF, **case.conf}))
    groups = {"enh_model": [n for n in parameters if n.startswith("enh_model.")]}
    everyone = [list(case.batches(rank)) for rank in range(len(case.parts))]
    for step in range(STEPS):
        sums = {"loss_enh": {}, "loss_asr": {}}
        for names, batch in (rank[step] for rank in everyone):
            output = model(**batch, utt_id=names)
            for task, total in sums.items():
                if output[task] is None or not output[task].requires_grad:
                    continue
                share = len(names) / 8
                loss = output[task].sum() * share
                for name, grad in named_gradients(loss, parameters, True).items():
                    total[name] = total[name] + grad if name in total else grad
        surgery = combine(sums["loss_enh"], sums["loss_asr"], groups, method)
        for name, grad in surgery.gradients.items():
            parameters[name].grad = grad
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        optimizer.zero_grad()
    return dict(model.state_dict())


def test_one_collective_for_each_gradient_and_step_whatever_the_window(two_ranks):
    assert [rank["collectives"] for rank in two_ranks] == [[2, 2], [2, 2]]


def test_all_ranks_validate_with_the_running_statistics_of_the_first(two_ranks):
    """As under stock DDP; forwards under no_sync alone would never share them."""
    one, other = (rank["buffers"] for rank in two_ranks)
    assert_same(one, other, tolerance=0)
    assert 0 < one["enh_model.running_mean"].mean() < 1
