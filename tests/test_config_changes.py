"""A training is gone on with only under the configuration that it began with."""

import pytest
import tiny
import yaml

from espnet2.interruptible.config_changes import check_config_changes
from espnet2.tasks.gradient_remedy import GradientRemedyTask
from espnet2.utils.yaml_no_alias_safe_dump import yaml_no_alias_safe_dump


@pytest.fixture
def begun(tmp_path):
    """A folder with what a stopped training leaves, and the arguments that made it."""

    def args(**changes):
        found = tiny.tiny_args(output_dir=str(tmp_path), **changes)
        found.resume, found.output_dir, found.collect_stats = True, str(tmp_path), False
        found.enh_loss = found.enh_loss or "magnitude"
        return found

    first = args()
    GradientRemedyTask.build_model(first)
    first.distributed = False  # added by upstream, as the last
    with (tmp_path / "config.yaml").open("w") as file:
        yaml_no_alias_safe_dump(vars(first), file, sort_keys=False)
    (tmp_path / "checkpoint.pth").touch()
    return args


def test_the_same_configuration_goes_on(begun):
    GradientRemedyTask.build_model(begun())


@pytest.mark.parametrize(
    "free",
    [
        {"max_epoch": 99},
        {"num_workers": 7},
        {"log_interval": 3},
        {"ngpu": 2, "dist_world_size": 2, "distributed": True},  # was refused
    ],
)
def test_what_does_not_change_the_training_may_change(begun, free):
    check_config_changes(begun(**free))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"enh_weight": 0.9}, "enh_weight: 0.3 -> 0.9"),
        ({"gradient_method": "sum"}, "gradient_method: remedy -> sum"),
        ({"seed": 5}, "seed: 0 -> 5"),
        ({"batch_size": 3, "accum_grad": 2}, "accum_grad: 1 -> 2; batch_size: 20 -> 3"),
    ],
)
def test_a_change_is_named_with_both_values(begun, changes, message):
    with pytest.raises(ValueError, match=message) as error:
        GradientRemedyTask.build_model(begun(**changes))
    assert "--allow_config_changes true" in str(error.value)


def test_one_may_go_on_all_the_same_or_begin_anew(begun, tmp_path):
    changed = begun(enh_weight=0.9)
    changed.allow_config_changes = True
    check_config_changes(changed)
    changed.allow_config_changes, changed.resume = False, False
    check_config_changes(changed)
    changed.resume = True
    (tmp_path / "checkpoint.pth").unlink()
    check_config_changes(changed)


def test_a_key_of_another_version_is_not_compared(begun, tmp_path):
    path = tmp_path / "config.yaml"
    saved = yaml.safe_load(path.read_text())
    del saved["gradient_conf"]
    path.write_text(yaml.safe_dump({**saved, "of_long_ago": 1}))
    check_config_changes(begun())


@pytest.mark.slow
def test_a_config_that_was_not_written_to_its_end_stops_nobody(begun, tmp_path, caplog):
    """A crash while upstream wrote it: any part of it may be there."""
    path = tmp_path / "config.yaml"
    whole, args = path.read_bytes(), begun()
    for size in range(0, len(whole) - len("distributed: false\n"), 97):
        path.write_bytes(whole[:size])
        check_config_changes(args)
        assert f"{path} is not whole" in caplog.text
        caplog.clear()
