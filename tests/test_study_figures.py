"""The figures of the study: significance, word errors, what a training logged."""

import numpy as np
import pytest
from torch.utils.tensorboard import SummaryWriter

from espnet2.results.intervals import paired_bootstrap
from study import scores


def test_identical_methods_do_not_differ():
    errors = np.random.default_rng(0).integers(0, 4, (3, 50))
    assert paired_bootstrap(errors, errors) == 1


def test_a_method_better_on_every_utterance_is_significant():
    errors = np.random.default_rng(0).integers(0, 4, (3, 50))
    assert paired_bootstrap(errors, errors + 1) < 0.001


def test_the_bootstrap_is_symmetric_and_without_order():
    rng = np.random.default_rng(1)
    ours, base = rng.integers(0, 4, (2, 3, 40))
    p_value = paired_bootstrap(ours, base)
    assert 0.001 < p_value < 1
    assert paired_bootstrap(base, ours) == p_value
    order = rng.permutation(40)
    shuffled = paired_bootstrap(ours[:, order], base[:, order])
    assert shuffled == pytest.approx(p_value, abs=0.03)


def test_the_seeds_are_drawn_too():
    """Seeds that contradict each other take away what one alone would show."""
    better, worse = np.zeros(200, int), np.full(200, 2)
    base = np.ones((2, 200), int)
    p_value = paired_bootstrap(np.stack([better, worse]), base)
    assert p_value > 0.9


@pytest.mark.slow
def test_equal_methods_seldom_seem_to_differ():
    pairs = np.random.default_rng(2).poisson(0.5, (40, 2, 1, 100))
    found = [paired_bootstrap(*pair) < 0.05 for pair in pairs]
    assert np.mean(found) < 0.2


def test_word_errors_and_thirds_by_level_worked_by_hand(tmp_path):
    (tmp_path / "ref").write_text("a ONE TWO\nb THREE\nc FOUR FIVE SIX\n")
    (tmp_path / "hyp").write_text("c FOUR SIX\na ONE TWO TOO\nb THREE\n")
    names, counts = scores.word_errors(tmp_path / "ref", tmp_path / "hyp")
    assert names == ["a", "b", "c"]
    assert counts == [(1, 2), (0, 1), (1, 3)]
    rates = scores.error_rates(counts, [9.0, 12.0, 3.0])
    assert rates["wer"] == pytest.approx(100 * 2 / 6)
    assert rates["wer_low"] == pytest.approx(100 / 3)
    assert rates["wer_mid"] == 50 and rates["wer_high"] == 0


def test_figures_of_the_training_worked_by_hand(tmp_path):
    """Two epochs of three steps; the epoch's mean overwrites its last step."""
    with SummaryWriter(str(tmp_path / "train")) as writer:
        for step, stretch in enumerate((1.0, 3.0, 50.0, 5.0, 7.0, 50.0), start=1):
            writer.add_scalar("grad_stretch", stretch, step)
            writer.add_scalar("grad_conflict", 0.9, step)
            if step % 3 == 0:
                writer.add_scalar("grad_stretch", 18.0, step)
                writer.add_scalar("grad_conflict", step / 10, step)
                writer.add_scalar("iter_epoch", step // 3, step)
    with SummaryWriter(str(tmp_path / "valid")) as writer:
        for step, accuracy in ((3, 0.75), (6, 0.5)):
            writer.add_scalar("acc", accuracy, step)
    figures = scores.training_figures(tmp_path)
    assert figures["steps"] == 6
    assert figures["conflict"] == pytest.approx(0.45)
    assert figures["stretch_p50"] == 4  # of 1, 3, 5, 7
    assert np.isnan(figures["rescaled"])
    assert figures["valid_acc"] == 0.75
