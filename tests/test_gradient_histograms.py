"""The histograms of an epoch as TensorBoard and W&B get them."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from espnet2.train.gradient_histograms import write_histograms
from espnet2.train.gradient_log import GradientLog


def log_of(folder, angles: list[float], stretch: float = 1.5) -> GradientLog:
    log = GradientLog(folder, 1)
    for angle in angles:
        figures = [np.cos(np.radians(angle)), 2.0, float(angle > 90), 1.0, stretch]
        log.add(["a"], np.array([figures]))
    return log


def test_tensorboard_shows_the_counts_of_all_windows(tmp_path):
    writer = SummaryWriter(str(tmp_path))
    write_histograms(log_of(tmp_path, [32, 33, 121] * 20), 7, writer)
    writer.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    assert events.Tags()["histograms"] == ["grad_angle", "grad_log10_stretch"]
    (event,) = events.Histograms("grad_angle")
    value = event.histogram_value
    assert event.step == 7 and value.num == 60
    assert (value.min, value.max) == (30, 125)
    assert value.sum == pytest.approx(40 * 32.5 + 20 * 122.5)
    counts = dict(zip(value.bucket_limit, value.bucket, strict=True))
    assert {limit: n for limit, n in counts.items() if n} == {35: 40, 125: 20}


def test_wandb_gets_them_where_it_is_on(tmp_path, monkeypatch):
    logged = {}
    fake = SimpleNamespace(
        Histogram=lambda np_histogram: np_histogram, log=logged.update
    )
    monkeypatch.setitem(sys.modules, "wandb", fake)
    write_histograms(log_of(tmp_path, [32]), 1)
    assert logged == {}
    write_histograms(log_of(tmp_path, [32]), 1, use_wandb=True)
    counts, edges = logged["grad_angle"]
    assert (sum(counts), counts[6], edges[6:8]) == (1, 1, [30, 35])


def test_an_epoch_without_decisions_has_none(tmp_path):
    class Writer:
        def add_histogram_raw(self, *args, **kwargs):
            raise AssertionError

    write_histograms(log_of(tmp_path, []), 1, Writer())
