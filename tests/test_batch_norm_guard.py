"""A batch with NaN does not reach the statistics of batch normalisation."""

import math

import pytest
import tiny
import torch
from test_trainer_gradient_remedy import train_one_epoch

from espnet2.interruptible.batch_norm_guard import BatchNormGuard, running_statistics
from espnet2.train.trainer_gradient_remedy import GradientRemedyTrainer

GOOD = [torch.randn(8, 3, generator=torch.manual_seed(n)) for n in range(4)]


def model() -> torch.nn.Sequential:
    plain = torch.nn.BatchNorm1d(3, track_running_stats=False)
    return torch.nn.Sequential(torch.nn.BatchNorm1d(3), plain, torch.nn.BatchNorm1d(3))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_the_statistics_are_those_of_the_good_batches(bad, place, caplog):
    found, wanted = model(), model()
    batches = [*GOOD[:place], torch.full((8, 3), bad), *GOOD[place:]]
    for batch in BatchNormGuard(batches, found):
        found(batch)
    for batch in GOOD:
        wanted(batch)
    for one, other in zip(*map(running_statistics, (found, wanted)), strict=True):
        assert torch.equal(one, other)
    assert len(caplog.records) == 1


def test_all_batches_are_passed_on_with_and_without_statistics():
    for guarded in (model(), torch.nn.Linear(3, 3)):
        epoch = BatchNormGuard(GOOD, guarded)
        assert len(epoch) == len(GOOD)
        assert list(epoch) == GOOD


def test_a_training_with_a_bad_batch_leaves_a_model_that_can_be_used(tmp_path):
    """Without the guard it gives NaN for any speech from that batch on."""
    batches = list(tiny.Batches(5))
    batches[2][1]["speech"][0, 3] = math.nan
    conf = {**tiny.CONFIG["asr_encoder_conf"], "cnn_module_kernel": 3}
    conformer = tiny.tiny_model(asr_encoder="conformer", asr_encoder_conf=conf)
    assert len(running_statistics(conformer)) == 2
    train_one_epoch(GradientRemedyTrainer, tmp_path, iterator=batches, model=conformer)
    loss = conformer.eval()(**tiny.batch())["loss"]
    assert loss.isfinite().all()
