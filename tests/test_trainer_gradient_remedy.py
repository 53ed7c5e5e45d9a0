"""The trainer against upstream's own, through upstream's unchanged loop."""

import argparse
import logging

import pytest
import tiny
import torch

from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.reporter import Reporter
from espnet2.train.trainer import Trainer
from espnet2.train.trainer_gradient_remedy import GradientRemedyTrainer

STEPS = 20


class Factory(AbsIterFactory):
    def __init__(self, number: int, kinds: tuple[str, ...] = ("",)):
        self.batches = tiny.Batches(number, kinds)

    def build_iter(self, epoch: int, shuffle: bool | None = None):
        return self.batches


def options(folder, trainer, **changes) -> argparse.Namespace:
    args = tiny.tiny_args()
    values = {
        "output_dir": str(folder),
        "max_epoch": 1,
        "resume": True,
        "use_matplotlib": False,
        "use_tensorboard": False,
        "best_model_criterion": [["train", "loss", "min"]],
        "keep_nbest_models": [1],
        **changes,
    }
    for key, value in values.items():
        setattr(args, key, value)
    return trainer.build_options(args)


def train_one_epoch(trainer, folder, batches=STEPS, kinds=("",), **changes):
    """Train the tiny model for one epoch; return it and the epoch's statistics."""
    model = tiny.tiny_model(seed=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    reporter = Reporter()
    reporter.set_epoch(1)
    with reporter.observe("train") as sub:
        trainer.train_one_epoch(
            model=model,
            iterator=tiny.Batches(batches, kinds),
            optimizers=[optimizer],
            schedulers=[None],
            scaler=None,
            reporter=sub,
            summary_writer=None,
            options=options(folder, trainer, **changes),
            distributed_option=DistributedOption(),
        )
    return model, reporter.stats[1]["train"]


def parameters(model) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@pytest.mark.parametrize("accum_grad", [1, 3])
def test_sum_equals_upstreams_trainer_after_20_steps(tmp_path, accum_grad):
    stock, stock_stats = train_one_epoch(Trainer, tmp_path, accum_grad=accum_grad)
    ours, stats = train_one_epoch(
        GradientRemedyTrainer, tmp_path, accum_grad=accum_grad, gradient_method="sum"
    )
    start = parameters(tiny.tiny_model(seed=0))
    for name, value in parameters(stock).items():
        torch.testing.assert_close(
            parameters(ours)[name], value, rtol=1e-6, atol=1e-6, msg=name
        )
    moved = [
        name for name in start if not torch.equal(start[name], ours.state_dict()[name])
    ]
    assert len(moved) > 20
    assert stats["loss_asr"] == pytest.approx(stock_stats["loss_asr"], rel=1e-5)
    assert stats["grad_norm"] == pytest.approx(stock_stats["grad_norm"], rel=1e-4)


def test_remedy_trains_otherwise_than_the_sum(tmp_path):
    conf = {"threshold": 0.5, "max_stretch": "dynamic"}
    one, _ = train_one_epoch(
        GradientRemedyTrainer, tmp_path, gradient_method="remedy", gradient_conf=conf
    )
    other, _ = train_one_epoch(GradientRemedyTrainer, tmp_path, gradient_method="sum")
    assert not torch.allclose(
        one.enh_model.separator.linear[0].weight,
        other.enh_model.separator.linear[0].weight,
    )


def test_conflict_statistics_reach_the_reporter(tmp_path):
    _, stats = train_one_epoch(GradientRemedyTrainer, tmp_path)
    assert -1 <= stats["grad_cosine"] <= 1
    assert 0 <= stats["grad_conflict"] <= 1
    assert 0 <= stats["grad_rescaled"] <= 1
    assert stats["grad_ratio"] > 0
    assert stats["grad_stretch"] >= 1


def test_batches_without_a_reference_are_trained_among_the_others(tmp_path):
    kinds = ("", "_REAL", "_CLEAN")
    model, stats = train_one_epoch(
        GradientRemedyTrainer, tmp_path, kinds=kinds, gradient_method="sum"
    )
    stock, _ = train_one_epoch(Trainer, tmp_path, kinds=kinds)
    for name, value in parameters(stock).items():
        torch.testing.assert_close(parameters(model)[name], value, rtol=1e-6, atol=1e-6)
    assert stats["grad_ratio"] > 0


def run(folder, max_epoch: int) -> torch.nn.Module:
    """A whole training with validation and checkpoints, resumed if there is one."""
    model = tiny.tiny_model(seed=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    GradientRemedyTrainer.run(
        model=model,
        optimizers=[optimizer],
        schedulers=[None],
        train_iter_factory=Factory(4),
        valid_iter_factory=Factory(2),
        plot_attention_iter_factory=None,
        trainer_options=options(folder, GradientRemedyTrainer, max_epoch=max_epoch),
        distributed_option=DistributedOption(),
    )
    return model


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    straight = run(tmp_path / "straight", 3)
    run(tmp_path / "resumed", 2)
    resumed = run(tmp_path / "resumed", 3)
    assert "training was resumed" in caplog.text
    for name, value in parameters(straight).items():
        assert torch.equal(parameters(resumed)[name], value), name
