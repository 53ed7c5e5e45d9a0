"""Take a recogniser by itself, to hear what a joint model makes of noisy speech.

It is one that the joint training never saw, or the joint model's own.
"""

import tempfile
from pathlib import Path

import torch

from espnet2.plain_data import AVERAGED_MODEL, read_weights, read_yaml
from espnet2.transcription.model_files import located_config
from espnet2.transcription.recogniser import (
    RENAMED,
    TakenRecogniser,
    check,
    copy_files,
    rate_of,
    tokens_of,
)
from espnet2.transcription.recogniser_files import opened

JOINT_ONLY = ("subtask_series", "init_param", "freeze_param")
OWN = "s2t_model."  # how a joint model's parameters of the recogniser begin


def take_listener(
    model: str, taken: TakenRecogniser, weights: str = AVERAGED_MODEL
) -> int:
    """Copy a recogniser's files, of a joint model those of the recogniser in it.

    Args:
        model: as of ``take``, but of any sampling rate; or the folder of a joint
            experiment.
        taken: where they go.
        weights: name of the parameters' file in an experiment folder.

    Returns:
        The sampling rate that it is made for, Hz.

    Raises:
        ValueError: it is no recogniser that can be taken; says why.
    """
    with opened(model, weights) as (files, root), tempfile.TemporaryDirectory() as own:
        config = located_config(read_yaml(files.config), files.config, root)
        state, path = read_weights(files.weights), files.weights
        if "subtask_series" in config:
            config, path = own_config(config), Path(own, "model.pth")
            torch.save(own_parameters(state), path)
        check(config, f"{model}: {files.config.name}")
        copy_files(config, path, taken)
    return rate_of(config)


def own_config(joint: dict) -> dict:
    """Return the config of the recogniser by itself in a joint model.

    It undoes ``joint_config``. The files of tokens that it names are read.
    """
    own = {key: joint[f"asr_{key}"] for key in RENAMED if f"asr_{key}" in joint}
    rest = {
        key: value
        for key, value in joint.items()
        if not key.startswith(("asr_", "enh_")) and key not in JOINT_ONLY
    }
    plain = {"model": "espnet", "init": None, "preprocessor": "default"}
    return {
        **rest,
        **plain,
        "preprocessor_conf": {},
        **own,
        "token_list": tokens_of(joint),
    }


def own_parameters(joint: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the parameters of the recogniser in a joint model, by its own names."""
    return {
        name.removeprefix(OWN): value
        for name, value in joint.items()
        if name.startswith(OWN)
    }
