"""Take a trained joint model from elsewhere, to decode and enhance with it."""

import shutil
from pathlib import Path

import yaml

from espnet2.plain_data import read_weights, read_yaml
from espnet2.transcription.model_files import ModelFiles, check_joint, located_config
from espnet2.transcription.recogniser import (
    TakenRecogniser,
    check_rate,
    copy_files,
    tokens_of,
)
from espnet2.transcription.recogniser_files import opened

LM = "lm"  # the folder of a language model in a joint model's


def take_joint_model(model: str, taken: TakenRecogniser, rate: int) -> None:
    """Copy a joint model's files, and those of its language model if it has one.

    Args:
        model: a packed .zip, the folder of an unpacked one, an experiment folder, or a
            tag of ``espnet_model_zoo``.
        taken: where they go; a language model goes into its folder ``lm``.
        rate: of the data, Hz.

    Raises:
        ValueError: it is no joint model, of another rate, damaged or not safe to read.
    """
    with opened(model, task="enh_s2t") as (files, root):
        config = read_yaml(files.config)
        check_joint(config, files.config)
        check_rate(config, f"{model}: {files.config.name}", rate)
        for weights in filter(None, (files.weights, files.lm_weights)):
            read_weights(weights)
        config = located_config(config, files.config, root)
        shutil.rmtree(taken.folder / LM, ignore_errors=True)
        if files.lm_config is not None and files.lm_weights is not None:
            _copy_lm(files, root, taken)
        copy_files({**config, "token_list": tokens_of(config)}, files.weights, taken)


def _copy_lm(files: ModelFiles, root: Path, taken: TakenRecogniser) -> None:
    """Copy a language model, which has the joint model's tokens."""
    config = located_config(read_yaml(files.lm_config), files.lm_config, root)
    if config.get("bpemodel"):
        config["bpemodel"] = str(taken.bpe_model)
    folder = taken.folder / LM
    folder.mkdir(parents=True)
    shutil.copyfile(files.lm_weights, folder / "model.pth")
    text = yaml.safe_dump({**config, "token_list": tokens_of(config)})
    (folder / "config.yaml").write_text(text, encoding="utf-8")
