"""A training is gone on with only if its configuration is still the same."""

import argparse
import contextlib
import logging
from pathlib import Path

import yaml

from espnet2.interruptible.checkpoints import CHECKPOINT
from espnet2.interruptible.mid_epoch import FILE_NAME as MID_EPOCH
from espnet2.plain_data import read_mapping
from espnet2.utils.yaml_no_alias_safe_dump import yaml_no_alias_safe_dump

# What may differ: where and how the training runs, what it shows, how long it goes on.
_FREE = {
    *("config", "print_config", "log_level", "dry_run", "output_dir", "resume", "ngpu"),
    *("num_workers", "num_att_plot", "log_interval", "max_epoch", "patience"),
    *("keep_nbest_models", "nbest_averaging_interval", "use_matplotlib"),
    *("use_tensorboard", "create_graph_in_tensorboard", "use_wandb", "detect_anomaly"),
    *("multiprocessing_distributed", "distributed", "allow_config_changes", "version"),
    *("checkpoint_minutes", "checkpoint_steps"),
    *("num_cache_chunks", "max_cache_size", "max_cache_fd", "local_rank", "cpu_ranks"),
}
_FREE_PREFIXES = ("dist_", "wandb_", "cudnn_")
_SHOWN = 60  # characters of a value
_LAST = "distributed"  # the key that upstream writes last


def check_config_changes(args: argparse.Namespace) -> None:
    """Compare ``args`` with the config of the run that they would go on with.

    Does nothing where there is no checkpoint, or with ``resume: false`` or
    ``allow_config_changes: true``. A key that only one of the two has is not compared:
    it may come from another version. Nor is a file whose writing was cut short, which
    is replaced by the one that this training writes.

    Raises:
        ValueError: keys differ; names each with both values.
    """
    folder = Path(args.output_dir)
    saved_path = folder / "config.yaml"
    if not args.resume or args.allow_config_changes or not saved_path.exists():
        return
    if not any((folder / name).exists() for name in (CHECKPOINT, MID_EPOCH)):
        return
    saved = _read_whole(saved_path)
    # Through YAML and back, so that a tuple compares with the list that was saved.
    wanted = yaml.safe_load(yaml_no_alias_safe_dump(vars(args)))
    changes = [
        f"{key}: {_short(saved[key])} -> {_short(wanted[key])}"
        for key in sorted(saved.keys() & wanted.keys())
        if key not in _FREE and not key.startswith(_FREE_PREFIXES)
        if saved[key] != wanted[key]
    ]
    if changes:
        raise ValueError(
            f"{folder} holds a training with another configuration: "
            f"{'; '.join(changes)}. Give --allow_config_changes true to go on all the "
            "same, or train in another folder (--enh_asr_tag)"
        )


def _read_whole(path: Path) -> dict:
    """Return the saved config; nothing of one that upstream did not write whole."""
    with contextlib.suppress(ValueError):
        saved = read_mapping(path)
        if _LAST in saved:
            return saved
    logging.warning(f"{path} is not whole, so that no changes can be seen: going on")
    return {}


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
