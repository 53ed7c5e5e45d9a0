"""A training stopped or killed within an epoch ends as one without a break."""

import logging
import os
import random
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from start_ranks import start_ranks
from test_trainer_gradient_remedy import options
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset

from espnet2.interruptible.checkpoints import whole_saving
from espnet2.interruptible.mid_epoch import FILE_NAME
from espnet2.interruptible.random_states import random_states, set_random_states
from espnet2.interruptible.signals import STOPPED, remembering_stop_signals
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.schedulers.warmup_lr import WarmupLR
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.method_state import STATE_KEY
from espnet2.train.reporter import Reporter
from espnet2.train.trainer_gradient_remedy import GradientRemedyTrainer

BATCHES = 6
DROPOUT = {**tiny.CONFIG["asr_encoder_conf"], "dropout_rate": 0.3}


class Crash(Exception):
    """A process that dies, as far as one process can test it."""


def crash() -> None:
    raise Crash


def ask_to_stop() -> None:
    os.kill(os.getpid(), signal.SIGUSR1)


class Noisy(Dataset):
    """Utterances with noise that is drawn anew each time they are read."""

    def __init__(self, hooks: dict[int, Callable[[], None]]) -> None:
        self.hooks = hooks

    def __len__(self) -> int:
        return BATCHES

    def __getitem__(self, n: int) -> tuple[list[str], dict]:
        self.hooks.get(n, lambda: None)()
        item = tiny.batch(seed=n)
        noise = np.random.randn(*item["speech"].shape) + random.random()
        item["speech"] += 0.05 * torch.from_numpy(noise)
        return item.pop("utt_id"), item


def first(batch: list) -> tuple[list[str], dict]:
    return batch[0]


def seed_worker(worker: int) -> None:
    np.random.seed(worker)
    random.seed(worker)


class Factory(AbsIterFactory):
    """Epochs in another order each time; hooks[epoch][batch] are called when read."""

    def __init__(self, hooks: dict | None = None, workers: int = 0) -> None:
        self.hooks, self.workers = hooks or {}, workers

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> DataLoader:
        order = np.random.RandomState(epoch).permutation(BATCHES).tolist()
        hooks = {order[n]: call for n, call in self.hooks.get(epoch, {}).items()}
        return DataLoader(
            Noisy(hooks),
            batch_sampler=[[n] for n in order],
            collate_fn=first,
            num_workers=self.workers,
            worker_init_fn=seed_worker,
        )


def train(folder, hooks=None, valid_hooks=None, workers=0, **changes):
    """Two epochs with dropout and a scheduler; return what they leave."""
    folder.mkdir(exist_ok=True)
    model = tiny.tiny_model(seed=0, asr_encoder_conf=DROPOUT)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    changes = {"max_epoch": 2, "checkpoint_minutes": None, **changes}
    GradientRemedyTrainer.run(
        model=model,
        optimizers=[optimizer],
        schedulers=[WarmupLR(optimizer, warmup_steps=5)],
        train_iter_factory=Factory(hooks, workers),
        valid_iter_factory=Factory(valid_hooks),
        plot_attention_iter_factory=None,
        trainer_options=options(folder, GradientRemedyTrainer, **changes),
        distributed_option=DistributedOption(),
    )
    return model.state_dict(), torch.load(folder / "checkpoint.pth", weights_only=False)


def stopped(folder, **kwargs) -> None:
    with pytest.raises(SystemExit) as ending:
        train(folder, **kwargs)
    assert ending.value.code == STOPPED


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, tuple]:
    """The folder of a training that nothing stopped, and what it leaves."""
    torch.set_flush_denormal(False)
    folder = tmp_path_factory.mktemp("straight")
    return folder, train(folder)


@pytest.fixture
def straight(whole, tmp_path) -> tuple:
    """What that training leaves; a link in the test's folder leads to its folder."""
    (tmp_path / "straight").symlink_to(whole[0])
    return whole[1]


def assert_equal(folder: Path, one: tuple, two: tuple) -> None:
    """Parameters, optimizer, statistics (but times) and gradient log, bit for bit."""
    for name, value in one[0].items():
        assert torch.equal(two[0][name], value), name
    states = [checkpoint["optimizers"][0]["state"] for _, checkpoint in (one, two)]
    for number, state in states[0].items():
        assert torch.equal(states[1][number]["exp_avg"], state["exp_avg"])
    stats = [checkpoint["reporter"]["stats"] for _, checkpoint in (one, two)]
    for epoch in (1, 2):
        for key, value in stats[0][epoch]["train"].items():
            if "time" not in key:
                assert stats[1][epoch]["train"][key] == value, key
        with (
            np.load(folder / f"straight/gradient_log/{epoch}.npz") as straight,
            np.load(folder / f"broken/gradient_log/{epoch}.npz") as broken,
        ):
            for key in straight:
                np.testing.assert_array_equal(broken[key], straight[key])
    assert one[1]["schedulers"] == two[1]["schedulers"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"gradient_method": "gradvac"},
        {"gradient_conf": {"smoothing": 0.9}},
        {"accum_grad": 2},
        {"accum_grad": 4, "gradient_conf": {"per_batch": True}},
    ],
)
def test_a_window_is_finished_before_the_stop(tmp_path, changes):
    straight = train(tmp_path / "straight", **changes)
    for batch in (2, 5):
        stopped(tmp_path / "broken", hooks={2: {batch: ask_to_stop}}, **changes)
        state = torch.load(tmp_path / "broken" / FILE_NAME, weights_only=True)
        accum_grad = changes.get("accum_grad", 1)
        window_end = (batch // accum_grad + 1) * accum_grad
        assert state["step"] == min(window_end, BATCHES)
    broken = train(tmp_path / "broken", **changes)
    assert_equal(tmp_path, straight, broken)
    assert not (tmp_path / "broken" / FILE_NAME).exists()


@pytest.mark.slow
def test_stopped_at_every_step_in_turn(straight, tmp_path):
    for epoch in (1, 2):
        for batch in range(BATCHES):
            stopped(tmp_path / "broken", hooks={epoch: {batch: ask_to_stop}})
    assert_equal(tmp_path, straight, train(tmp_path / "broken"))


@pytest.mark.slow
def test_a_crash_costs_what_came_after_the_last_checkpoint(straight, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(Crash):
        train(tmp_path / "broken", hooks={2: {5: crash}}, checkpoint_steps=2)
    broken = train(tmp_path / "broken")
    assert "Going on in epoch 2 after 4 batches" in caplog.text
    assert_equal(tmp_path, straight, broken)


def test_no_minutes_between_two_checkpoints_means_after_each_step(tmp_path):
    with pytest.raises(Crash):
        train(tmp_path / "broken", hooks={1: {3: crash}}, checkpoint_minutes=0)
    state = torch.load(tmp_path / "broken" / FILE_NAME, weights_only=True)
    assert (state["epoch"], state["step"], state["complete"]) == (1, 3, False)


@pytest.mark.slow
@pytest.mark.parametrize("hook", [crash, ask_to_stop])
def test_a_validation_that_is_cut_short_is_made_again(straight, tmp_path, hook):
    for epoch in (1, 2):
        with pytest.raises((Crash, SystemExit)):
            train(tmp_path / "broken", valid_hooks={epoch: {2: hook}})
        state = torch.load(tmp_path / "broken" / FILE_NAME, weights_only=True)
        assert (state["epoch"], state["step"], state["complete"]) == (epoch, 6, True)
    broken = train(tmp_path / "broken")
    assert_equal(tmp_path, straight, broken)
    values = [
        each[1]["reporter"]["stats"][2]["valid"]["loss"] for each in (straight, broken)
    ]
    assert values[0] == values[1]


@pytest.mark.slow
def test_random_numbers_of_loader_workers_are_those_of_a_run_without_a_break(tmp_path):
    """What the workers draw before the position they draw again."""
    straight = train(tmp_path / "straight", workers=2)
    plain = train(tmp_path / "plain")
    name = "enh_model.separator.linear.0.weight"
    assert not torch.equal(straight[0][name], plain[0][name])
    with pytest.raises(Crash):
        train(
            tmp_path / "broken",
            valid_hooks={2: {0: crash}},
            workers=2,
            checkpoint_steps=4,
        )
    path = tmp_path / "broken" / FILE_NAME
    assert_equal(tmp_path, straight, train(tmp_path / "broken", workers=2))
    assert not path.exists()


@pytest.mark.slow
def test_the_checkpoint_of_another_epoch_is_not_taken(straight, tmp_path):
    """It would be, silently, in that epoch of a training begun anew."""
    with pytest.raises(Crash):
        train(tmp_path / "broken", hooks={2: {3: crash}}, checkpoint_steps=1)
    (tmp_path / "broken" / "checkpoint.pth").unlink()
    assert_equal(tmp_path, straight, train(tmp_path / "broken"))


@pytest.mark.slow
def test_without_resume_the_epoch_begins_anew(straight, tmp_path):
    stopped(tmp_path / "broken", hooks={1: {3: ask_to_stop}})
    assert_equal(tmp_path, straight, train(tmp_path / "broken", resume=False))


@pytest.mark.slow
def test_a_damaged_file_costs_the_epoch_only(straight, tmp_path, caplog):
    stopped(tmp_path / "broken", hooks={2: {3: ask_to_stop}})
    path = tmp_path / "broken" / FILE_NAME
    path.write_bytes(path.read_bytes()[:-100])
    broken = train(tmp_path / "broken")
    assert "is damaged: the epoch begins anew" in caplog.text
    assert_equal(tmp_path, straight, broken)


@pytest.mark.slow
def test_a_full_disk_is_reported_and_training_goes_on(
    straight, tmp_path, monkeypatch, caplog
):
    save = torch.save

    def full(obj: object, f: object, *args, **kwargs) -> None:
        if "random" in obj:
            raise OSError(28, "No space left on device")
        save(obj, f, *args, **kwargs)

    monkeypatch.setattr(torch, "save", full)
    broken = train(tmp_path / "broken", checkpoint_steps=2)
    assert "mid_epoch.pth was not written, going on: [Errno 28]" in caplog.text
    assert_equal(tmp_path, straight, broken)


def test_the_generators_give_the_same_numbers_again():
    def draw() -> list:
        return [random.random(), np.random.randn(3).tolist(), torch.rand(3).tolist()]

    np.random.randn()  # leaves a second normal number behind
    states = random_states()
    numbers = draw()
    draw()
    set_random_states(states)
    assert draw() == numbers


def _epoch_of_a_rank(rank: int, folder: Path, stop_at: int | None) -> dict | int:
    """Train for an epoch; return the parameters, or the exit code of a stop."""
    torch.manual_seed(rank)
    model = tiny.tiny_model(seed=0, asr_encoder_conf=DROPOUT)
    torch.manual_seed(rank)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    reporter = Reporter()
    reporter.set_epoch(1)

    def batches() -> Iterator:
        for n in range(BATCHES):
            if n == stop_at:
                ask_to_stop()
            item = tiny.batch(seed=2 * n + rank)
            yield item.pop("utt_id"), item

    try:
        with remembering_stop_signals(), reporter.observe("train") as sub:
            GradientRemedyTrainer.train_one_epoch(
                model=DistributedDataParallel(model),
                iterator=batches(),
                optimizers=[optimizer],
                schedulers=[None],
                scaler=None,
                reporter=sub,
                summary_writer=None,
                options=options(folder, GradientRemedyTrainer),
                distributed_option=DistributedOption(
                    distributed=True, dist_rank=rank, dist_world_size=2
                ),
            )
    except SystemExit as ending:
        return ending.code
    return {name: value.numpy() for name, value in model.state_dict().items()}


def _rank(rank: int, folder: str, results: list) -> None:
    """Train straight through; then stop rank 1 alone, and go on."""
    meeting = f"file://{folder}/meeting"
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    straight = _epoch_of_a_rank(rank, Path(folder, "straight"), None)
    code = _epoch_of_a_rank(rank, Path(folder, "broken"), 3 if rank == 1 else None)
    resumed = _epoch_of_a_rank(rank, Path(folder, "broken"), None)
    results.append((straight, code, resumed))
    dist.destroy_process_group()


@pytest.mark.slow
def test_a_signal_to_one_rank_stops_all_and_all_go_on(tmp_path):
    for name in ("straight", "broken"):
        (tmp_path / name).mkdir()
    with mp.Manager() as manager:
        results = manager.list()
        start_ranks(_rank, (str(tmp_path), results), 2)
        outcomes = list(results)
    for straight, code, resumed in outcomes:
        assert code == STOPPED
        for name, value in straight.items():
            np.testing.assert_array_equal(resumed[name], value, err_msg=name)


def test_whole_saving_can_be_nested():
    with tempfile.TemporaryDirectory() as folder, whole_saving(), whole_saving():
        torch.save(1, Path(folder, "x.pth"))
        assert [path.name for path in Path(folder).iterdir()] == ["x.pth"]


@pytest.mark.slow
def test_a_methods_state_is_saved_with_the_optimizers_and_nowhere_else(tmp_path):
    """It lived twice: beside the optimizer in the middle, in its options at the end."""
    stopped(tmp_path / "run", hooks={1: {3: ask_to_stop}}, gradient_method="gradvac")
    state = torch.load(tmp_path / "run" / FILE_NAME, weights_only=True)
    assert "gradient_method" not in state["parts"]
    saved = state["parts"]["optimizer0"]["param_groups"][0][STATE_KEY]
    assert saved["weightings"]["steps"] == state["step"] == 4
    _, checkpoint = train(tmp_path / "run", gradient_method="gradvac")
    (optimizer,) = checkpoint["optimizers"]
    assert optimizer["param_groups"][0][STATE_KEY]["weightings"]["steps"] == 2 * BATCHES
