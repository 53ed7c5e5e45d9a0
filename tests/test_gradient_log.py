"""The log of an epoch's decisions: sums by tensor and window, bounded in size."""

import numpy as np
import pytest

from espnet2.train.gradient_log import ANGLE_EDGES, STRETCH_EDGES, WINDOWS, GradientLog


def row(cosine=0.5, ratio=10.0, rescaled=0, stretch=1.0) -> list[float]:
    return [cosine, ratio, float(cosine < 0), rescaled, stretch]


def written(log: GradientLog) -> dict[str, np.ndarray]:
    log.save()
    with np.load(log.path, allow_pickle=False) as file:
        return dict(file)


def test_a_window_holds_sums_by_tensor(tmp_path):
    log = GradientLog(tmp_path, 3)
    log.add(["a", "b"], np.array([row(0.4, 10), row(-0.4, 1000, 1, 8.1)]))
    found = written(log)
    assert log.path == tmp_path / "gradient_log" / "3.npz"
    assert found["names"].tolist() == ["a", "b"]
    assert found["count"].tolist() == [[1, 1]]
    assert found["cosine"][0] == pytest.approx([0.4, -0.4])
    assert found["log_ratio"].tolist() == [[1, 3]]
    assert found["conflict"].tolist() == [[0, 1]]
    assert found["rescaled"].tolist() == [[0, 1]]
    assert found["stretch"][0] == pytest.approx([1, 8.1])
    angles = np.flatnonzero(found["angle_counts"][0])  # of 66.4 and 113.6 degrees
    assert ANGLE_EDGES[angles].tolist() == [65, 110]
    stretches = np.flatnonzero(found["stretch_counts"][0])  # of log10 8.1 = 0.908
    assert STRETCH_EDGES[stretches] == pytest.approx([0, 0.9])


@pytest.mark.parametrize("steps", [1, 16, 17, 100, 1000])
def test_windows_are_few_equally_long_and_lose_nothing(tmp_path, steps):
    log = GradientLog(tmp_path, 1)
    for step in range(steps):
        log.add(["a"], np.array([row(stretch=1 + step)]))
    found = written(log)
    assert len(found["decisions"]) <= WINDOWS
    assert steps < 2 * WINDOWS or len(found["decisions"]) > WINDOWS / 2
    assert found["decisions"][-1] == steps
    lengths = np.diff([0, *found["decisions"]])
    assert (lengths[:-1] == lengths[0]).all()
    assert found["count"][:, 0].tolist() == lengths.tolist()
    assert found["stretch"][:, 0].tolist() == found["decisions"].tolist()
    assert found["angle_counts"].sum() == steps


def test_tensors_are_told_apart_by_name_whenever_they_come(tmp_path):
    log = GradientLog(tmp_path, 1)
    log.add(["a"], np.array([row(0.1)]))
    log.add(["b", "a"], np.array([row(0.2), row(0.3)]))
    for _ in range(WINDOWS):
        log.add(["c"], np.array([row(0.4)]))
    found = written(log)
    cosine = dict(zip(found["names"], found["cosine"].sum(0), strict=True))
    assert cosine == pytest.approx({"a": 0.4, "b": 0.2, "c": 0.4 * WINDOWS})


def test_zero_and_broken_gradients_are_not_counted_but_the_step_is(tmp_path):
    log = GradientLog(tmp_path, 1)
    log.add(["a", "b"], np.array([row(0.0, 0.0), row(np.nan)]))
    found = written(log)
    assert found["count"].sum() == 0
    assert found["decisions"].tolist() == [1]


def test_an_epoch_without_a_decision_has_no_file(tmp_path):
    log = GradientLog(tmp_path, 1)
    log.save()
    assert list(tmp_path.iterdir()) == []
