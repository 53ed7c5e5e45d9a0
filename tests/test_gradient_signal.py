"""How much of a batch's gradients is signal: estimates against what was put in."""

import numpy as np
import pytest
import torch
from tiny import Batches, tiny_model

from espnet2.bin.gradient_signal import main, measure, table
from espnet2.train.gradient_signal import SignalEstimator


def estimate(enh: list[list[float]], asr: list[list[float]]):
    estimator = SignalEstimator()
    for pair in zip(enh, asr, strict=True):
        estimator.add(*([torch.tensor(values)] for values in pair))
    return estimator.estimate()


def test_two_batches_worked_by_hand():
    """Products across batches alone count in the signals' lengths and angle."""
    signal = estimate([[1, 0], [1, 2]], [[1, 1], [-1, 3]])
    assert signal.enh_signal == pytest.approx(1 / 3)  # 1 over the mean of 1 and 5
    assert signal.asr_signal == pytest.approx(2 / 6)  # 2 over the mean of 2 and 10
    # (1, 0).(-1, 3) = -1 and (1, 2).(1, 1) = 3: their mean is 1
    assert signal.cosine == pytest.approx(1 / 2**0.5)
    cosines = [1 / 2**0.5, 5 / 50**0.5]
    assert signal.batch_cosine == pytest.approx(np.mean(cosines))
    assert signal.batch_conflict == 0


def test_noise_hides_a_conflict_that_the_estimate_finds():
    """Signals at 120 degrees under noise of thirty times their energy."""
    generator = torch.Generator().manual_seed(0)
    size, number = 300, 400
    directions = torch.zeros(2, size, dtype=torch.float64)
    directions[0, 0], directions[1, :2] = 1, torch.tensor([-0.5, 0.75**0.5])
    estimator = SignalEstimator()
    for _ in range(number):
        noise = torch.randn(2, size, generator=generator, dtype=torch.float64)
        enh, asr = directions + (30 / size) ** 0.5 * noise
        estimator.add([enh], [asr])
    signal = estimator.estimate()
    assert abs(signal.batch_cosine[0]) < 0.03
    assert 0.45 < signal.batch_conflict[0] < 0.75
    assert signal.cosine[0] == pytest.approx(-0.5, abs=0.1)
    assert signal.enh_signal[0] == pytest.approx(1 / 31, abs=0.01)


def test_a_gradient_without_noise_is_all_signal_and_zero_has_no_angle():
    signal = estimate([[3.0, 4.0]] * 3, [[-3.0, -4.0]] * 3)
    assert signal.enh_signal == pytest.approx(1) and signal.cosine == pytest.approx(-1)
    assert signal.batch_conflict == 1
    assert np.isnan(estimate([[0.0], [0.0]], [[1.0], [1.0]]).cosine).all()
    with pytest.raises(ValueError, match="1 batches: at least two"):
        estimate([[1.0]], [[1.0]])


def test_batches_without_a_clean_reference_do_not_count():
    """Of four batches two have no SE loss; with both others the count is reached."""
    model = tiny_model().train()
    batches = Batches(4, kinds=("_REAL", ""))
    names, signal = measure(model, batches, ["enh_model"], 2)
    assert len(names) == len(signal.cosine) and names[0].startswith("enh_model.")
    assert f"|{names[0]}|" in table(names, signal)
    with pytest.raises(ValueError, match="at least two"):
        measure(model, Batches(2, kinds=("_REAL", "")), ["enh_model"], 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "config.yaml: cannot be read"), ("a: 1\n", "no config of this training")],
)
def test_a_folder_that_is_no_experiment_is_told(tmp_path, content, message):
    if content is not None:
        (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(SystemExit, match=message):
        main([str(tmp_path)])
