"""The trainer against upstream's own, through upstream's unchanged loop."""

import argparse
import logging

import numpy as np
import pytest
import tiny
import torch

from espnet2.interruptible.task import plain_globals
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.gradient_method import GradientMethod
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


def train_one_epoch(trainer, folder, iterator=None, kinds=("",), model=None, **changes):
    """Train the tiny model for one epoch; return it and the epoch's statistics."""
    model = model or tiny.tiny_model(seed=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    reporter = Reporter()
    reporter.set_epoch(1)
    with reporter.observe("train") as sub:
        trainer.train_one_epoch(
            model=model,
            iterator=iterator or tiny.Batches(STEPS, kinds),
            optimizers=[optimizer],
            schedulers=[None],
            scaler=None,
            reporter=sub,
            summary_writer=None,
            options=options(folder, trainer, **{"resume": False, **changes}),
            distributed_option=DistributedOption(),
        )
    return model, reporter.stats[1]["train"]


def parameters(model) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@pytest.mark.slow
@pytest.mark.parametrize("probe", [False, True])
@pytest.mark.parametrize("accum_grad", [1, 3])
def test_sum_equals_upstreams_trainer_after_20_steps(tmp_path, accum_grad, probe):
    stock, stock_stats = train_one_epoch(Trainer, tmp_path, accum_grad=accum_grad)
    ours, stats = train_one_epoch(
        GradientRemedyTrainer,
        tmp_path,
        accum_grad=accum_grad,
        gradient_method="sum",
        gradient_conf={"probe": probe},
    )
    assert ("grad_cosine" in stats) == probe
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


@pytest.mark.slow
@pytest.mark.parametrize(("accum_grad", "steps"), [(1, 5), (2, 2)])
def test_steps_with_nan_are_left_out_and_counted(tmp_path, caplog, accum_grad, steps):
    batches = list(tiny.Batches(5))
    batches[2][1]["speech"][0, 3] = float("nan")
    model, _ = train_one_epoch(
        GradientRemedyTrainer, tmp_path, iterator=batches, accum_grad=accum_grad
    )
    assert all(torch.isfinite(value).all() for value in parameters(model).values())
    assert f"1 of the {steps} steps of epoch 1 were left out" in caplog.text
    # one in two is worth a line on the screen, one in five is not
    assert (tmp_path / "warnings.log").exists() == (accum_grad == 2)
    caplog.clear()
    train_one_epoch(GradientRemedyTrainer, tmp_path, accum_grad=accum_grad)
    assert "left out, because" not in caplog.text


def test_an_epoch_without_a_finite_step_is_an_error(tmp_path):
    """It ended with exit code 0 and a model that had learnt nothing."""
    batches = list(tiny.Batches(3))
    for _, batch in batches:
        batch["speech"][0, 3] = float("nan")
    with pytest.raises(RuntimeError, match="3 of the 3 steps of epoch 1 were left out"):
        train_one_epoch(GradientRemedyTrainer, tmp_path, iterator=batches)


@pytest.mark.parametrize("method", ["sum", "remedy"])
def test_clean_speech_for_a_frozen_recogniser_is_passed_over(tmp_path, caplog, method):
    """It ended the training: its loss has no gradient. Windows fill without it."""

    def train(number, kinds):
        model = tiny.tiny_model(seed=0)
        model.s2t_model.requires_grad_(False)
        batches = [b for b in tiny.Batches(number, kinds) if b[0][0][-4:] in kinds_kept]
        changes = {"gradient_method": method, "accum_grad": 2}
        return train_one_epoch(
            GradientRemedyTrainer, tmp_path, iterator=batches, model=model, **changes
        )[0]

    kinds = ("", "_CLEAN", "")
    kinds_kept = ("utt0", "LEAN")
    found = train(6, kinds)
    assert "2 batches of clean speech were passed over" in caplog.text
    kinds_kept = ("utt0",)
    expected = train(6, kinds)
    for name, value in parameters(expected).items():
        torch.testing.assert_close(parameters(found)[name], value, rtol=0, atol=0)


def test_a_real_batch_never_goes_round_a_front_end_that_learns_alone():
    model = tiny.tiny_model(model_conf={"bypass_enh_prob": 1.0})
    assert model._bypasses("utt_REAL") and model._bypasses("utt_CLEAN")
    model.s2t_model.requires_grad_(False)
    assert not model._bypasses("utt_REAL") and model._bypasses("utt_CLEAN")
    assert not model.trains_on(["utt_CLEAN"]) and model.trains_on(["utt_REAL"])


@pytest.mark.slow
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


@pytest.mark.slow
def test_conflict_statistics_reach_the_reporter(tmp_path):
    _, stats = train_one_epoch(GradientRemedyTrainer, tmp_path)
    with np.load(tmp_path / "gradient_log" / "1.npz", allow_pickle=False) as log:
        assert log["decisions"][-1] == STEPS
        assert "enh_model.separator.linear.0.weight" in log["names"]
        shares = log["conflict"].sum() / log["count"].sum()
    assert shares == pytest.approx(stats["grad_conflict"])
    assert -1 <= stats["grad_cosine"] <= 1
    assert 0 <= stats["grad_conflict"] <= 1
    assert 0 <= stats["grad_rescaled"] <= 1
    assert stats["grad_ratio"] > 0
    assert stats["grad_stretch"] >= 1


@pytest.mark.slow
def test_batches_without_a_reference_are_trained_among_the_others(tmp_path):
    kinds = ("", "_REAL", "_CLEAN")
    changes = {"gradient_method": "sum", "gradient_conf": {"probe": True}}
    model, stats = train_one_epoch(
        GradientRemedyTrainer, tmp_path, kinds=kinds, **changes
    )
    stock, _ = train_one_epoch(Trainer, tmp_path, kinds=kinds)
    for name, value in parameters(stock).items():
        torch.testing.assert_close(parameters(model)[name], value, rtol=1e-6, atol=1e-6)
    assert stats["grad_ratio"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("granularity", ["tensor", "module"])
def test_four_batches_of_four_train_as_one_of_sixteen(tmp_path, granularity):
    """The authors' code decides on each of the four: another gradient."""
    models = []
    for accum_grad in (4, 1):
        size = 16 // accum_grad
        batches = []
        for seed in range(3):
            whole = tiny.batch(size=16, seed=seed, step=0)
            for start in range(0, 16, size):
                batches.append({k: v[start : start + size] for k, v in whole.items()})
        conf = {"threshold": 0.5, "max_stretch": "dynamic", "granularity": granularity}
        model, _ = train_one_epoch(
            GradientRemedyTrainer,
            tmp_path,
            iterator=[(batch.pop("utt_id"), batch) for batch in batches],
            accum_grad=accum_grad,
            gradient_conf=conf,
        )
        models.append(parameters(model))
    for name, value in models[1].items():
        torch.testing.assert_close(models[0][name], value, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "key",
    ["sharded_ddp", pytest.param("ddp_comm_hook", marks=tiny.wants_comm_hooks)],
)
def test_what_averages_gradients_by_itself_is_refused(tmp_path, key):
    """Both work on the sum of the two gradients; ours would never be averaged."""
    with pytest.raises(ValueError, match=f"{key}: .*with gradient_method"):
        train_one_epoch(GradientRemedyTrainer, tmp_path, **{key: "fp16_compress_hook"})


def run(folder, max_epoch: int, trainer=GradientRemedyTrainer, **changes):
    """A whole training with validation and checkpoints, resumed if there is one."""
    model = tiny.tiny_model(seed=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    with torch.serialization.safe_globals(plain_globals()):  # as the task does
        trainer.run(
            model=model,
            optimizers=[optimizer],
            schedulers=[None],
            train_iter_factory=Factory(5),
            valid_iter_factory=Factory(2),
            plot_attention_iter_factory=None,
            trainer_options=options(folder, trainer, max_epoch=max_epoch, **changes),
            distributed_option=DistributedOption(),
        )
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, marks=pytest.mark.slow),
        pytest.param({"accum_grad": 2}, marks=pytest.mark.slow),
        {"accum_grad": 2, "gradient_conf": {"per_batch": True}},
        pytest.param({"gradient_method": "gradvac"}, marks=pytest.mark.slow),
    ],
)
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, caplog, changes):
    """With a method's state, and with a batch that does not fill its window."""
    caplog.set_level(logging.INFO)
    straight = run(tmp_path / "straight", 3, **changes)
    run(tmp_path / "resumed", 2, **changes)
    resumed = run(tmp_path / "resumed", 3, **changes)
    assert "training was resumed" in caplog.text
    for name, value in parameters(straight).items():
        assert torch.equal(parameters(resumed)[name], value), name


@pytest.mark.slow
def test_gradvacs_state_matters_for_the_test_above(tmp_path, monkeypatch):
    straight = run(tmp_path / "straight", 3, gradient_method="gradvac")
    run(tmp_path / "resumed", 2, gradient_method="gradvac")
    monkeypatch.setattr(GradientMethod, "load_state_dict", lambda self, state: None)
    resumed = run(tmp_path / "resumed", 3, gradient_method="gradvac")
    name = "enh_model.separator.linear.0.weight"
    assert not torch.equal(parameters(resumed)[name], parameters(straight)[name])


@pytest.mark.slow
def test_batches_that_fill_no_window_are_left_out_and_the_log_says_so(tmp_path, caplog):
    """Upstream adds them to the next epoch's first step, or loses them on resuming."""
    caplog.set_level(logging.INFO)
    changes = {"accum_grad": 3, "gradient_method": "sum"}
    two_epochs = run(tmp_path / "ours", 2, **changes)
    assert "last 2 batches do not fill accum_grad: 3" in caplog.text
    stock = tiny.tiny_model(seed=0)
    optimizer = torch.optim.Adam(stock.parameters(), lr=1e-2)
    for _ in range(2):
        for seed in range(3):
            (stock(**tiny.batch(seed=seed))["loss"].sum() / 3).backward()
        torch.nn.utils.clip_grad_norm_(stock.parameters(), 5.0)
        optimizer.step()
        optimizer.zero_grad()
    for name, value in parameters(stock).items():
        torch.testing.assert_close(parameters(two_epochs)[name], value)
