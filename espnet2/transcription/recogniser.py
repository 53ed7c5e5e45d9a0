"""Take a trained recogniser: its files, checked, and its part of a joint config."""

import shutil
from pathlib import Path
from typing import NamedTuple

import humanfriendly
import yaml

from espnet2.plain_data import read_weights, read_yaml
from espnet2.tasks.front_end_checks import check_front_end
from espnet2.transcription.model_files import located_config
from espnet2.transcription.recogniser_files import opened

# Keys of an ASR config with the same name in a joint one, and those with asr_ before.
SHARED = (
    *("frontend", "frontend_conf", "normalize", "normalize_conf"),
    *("input_size", "ctc_conf"),
)
RENAMED = (
    *("preencoder", "encoder", "postencoder", "decoder", "model_conf"),
    *("preencoder_conf", "encoder_conf", "postencoder_conf", "decoder_conf"),
)


class TakenRecogniser(NamedTuple):
    """The files of a recogniser in a folder of one's own."""

    folder: Path

    @property
    def config(self) -> Path:
        """Its training's config, with the files below in it."""
        return self.folder / "config.yaml"

    @property
    def weights(self) -> Path:
        """Its parameters."""
        return self.folder / "model.pth"

    @property
    def tokens(self) -> Path:
        """Its token list, a token a line."""
        return self.folder / "tokens.txt"

    @property
    def bpe_model(self) -> Path:
        """Its sentencepiece model; there is none where tokens are characters."""
        return self.folder / "bpe.model"

    @property
    def statistics(self) -> Path:
        """Of global normalisation, where it has one."""
        return self.folder / "feats_stats.npz"


def take(model: str, taken: TakenRecogniser, rate: int) -> None:
    """Copy a recogniser's files, once they are found to be good.

    Args:
        model: an experiment folder of upstream's ASR training, a packed .zip, the
            folder of an unpacked one, or a tag of ``espnet_model_zoo``.
        taken: where they go.
        rate: of the data, Hz.

    Raises:
        ValueError: it is no recogniser that a joint training can take; says why.
    """
    with opened(model) as (files, root):
        config = read_yaml(files.config)
        place = f"{model}: {files.config.name}"
        check(config, place)
        check_rate(config, place, rate)
        read_weights(files.weights)
        config = located_config(config, files.config, root)
        try:
            check_front_end(config)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
        copy_files(config, files.weights, taken)


def check(config: dict, place: str) -> None:
    """Raise ValueError if a config is of no recogniser that can be taken.

    Args:
        config: of its training.
        place: where that is from, for the message.
    """
    if "subtask_series" in config:
        raise ValueError(f"{place}: is of a joint model; a recogniser alone is wanted")
    if not isinstance(config.get("token_list"), list) or "encoder" not in config:
        raise ValueError(f"{place}: is no config.yaml of an ASR training")
    if config.get("model") not in (None, "espnet"):
        raise ValueError(f"{place}: model: {config['model']}: only espnet can be taken")
    if config.get("joint_net_conf"):
        raise ValueError(f"{place}: joint_net_conf: transducers cannot be taken")
    if config.get("token_type") not in ("bpe", "char"):
        raise ValueError(
            f"{place}: token_type: {config.get('token_type')}: expected bpe or char"
        )


def check_rate(config: dict, place: str, rate: int) -> None:
    """Raise ValueError unless a recogniser is made for the data's rate (Hz)."""
    if (own := rate_of(config)) != rate:
        raise ValueError(f"{place}: frontend_conf: fs: {own}: the data have {rate} Hz")


def rate_of(config: dict) -> int:
    """Return the sampling rate that a recogniser is made for, Hz."""
    rate = (config.get("frontend_conf") or {}).get("fs", 16000)
    return humanfriendly.parse_size(str(rate))


def tokens_of(config: dict) -> list[str] | None:
    """Return a config's tokens, which may stand in a file that it names."""
    tokens = config.get("token_list")
    if isinstance(tokens, str):
        tokens = Path(tokens).read_text(encoding="utf-8").splitlines()
    return tokens


def copy_files(config: dict, weights: Path, taken: TakenRecogniser) -> None:
    """Write the files; the config, which says that all are there, comes last."""
    taken.folder.mkdir(parents=True, exist_ok=True)
    taken.config.unlink(missing_ok=True)
    shutil.copyfile(weights, taken.weights)
    tokens = "".join(f"{token}\n" for token in config["token_list"])
    taken.tokens.write_text(tokens, encoding="utf-8")
    taken.bpe_model.unlink(missing_ok=True)
    if config["token_type"] == "bpe":
        shutil.copyfile(config["bpemodel"], taken.bpe_model)
        config["bpemodel"] = str(taken.bpe_model)
    normalize = config.get("normalize_conf") or {}
    if "stats_file" in normalize:
        shutil.copyfile(normalize["stats_file"], taken.statistics)
        normalize["stats_file"] = str(taken.statistics)
    taken.config.write_text(yaml.safe_dump(config), encoding="utf-8")


def joint_config(joint: dict, recogniser: dict) -> dict:
    """Return a joint training's config with the recogniser of another training."""
    shared = {key: recogniser[key] for key in SHARED if key in recogniser}
    own = {f"asr_{key}": recogniser[key] for key in RENAMED if key in recogniser}
    return {**joint, **shared, **own}
