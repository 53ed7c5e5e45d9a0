"""What can be known to be wrong with a recogniser's front end before it is built."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

# Front ends of upstream's from which no gradient returns to the waveform.
CLOSED = ("fused", "huggingface")
# The packages that pretrained ones want, by the name under which they are imported.
PACKAGES = {"whisper": "openai-whisper", "s3prl": "espnet-s3prl"}
WITH_128_BANDS = ("large", "large-v3", "large-v3-turbo", "turbo")


def check_front_end(config: Mapping) -> None:
    """Raise ValueError if a joint training cannot have a config's front end.

    Args:
        config: of a training, with ``frontend``, ``frontend_conf`` and ``init``.
    """
    name, conf = config.get("frontend"), config.get("frontend_conf") or {}
    if name in CLOSED:
        raise ValueError(
            f"frontend: {name}: hands no gradient to the SE module; "
            f"default, {' and '.join(PACKAGES)} do"
        )
    if name not in PACKAGES:
        return
    if str(conf.get("fs", 16000)).lower() not in ("16k", "16000"):
        raise ValueError(
            f"frontend_conf: fs: {conf['fs']}: {name} hears 16 kHz; run the recipe "
            "with --fs 16k"
        )
    if config.get("init"):
        raise ValueError(
            f"init: {config['init']}: would overwrite the pretrained weights of "
            f"frontend: {name}; leave it out"
        )
    if importlib.util.find_spec(name) is None:
        raise ValueError(
            f"frontend: {name}: {PACKAGES[name]} is not installed; run  make -C tools "
            "large_recognisers"
        )
    if name == "whisper":
        _check_whisper(conf.get("whisper_model", "small"))
    else:
        _check_s3prl(conf.get("frontend_conf") or {})


def _check_whisper(model: str) -> None:
    from whisper import available_models

    known = [name for name in available_models() if name not in WITH_128_BANDS]
    if model in WITH_128_BANDS:
        raise ValueError(
            f"whisper_model: {model}: wants 128 mel bands, of which ESPnet's front end "
            "makes 80; the largest for it is large-v2"
        )
    if model not in known:
        raise ValueError(f"whisper_model: {model}: expected one of {', '.join(known)}")


def _check_s3prl(conf: Mapping) -> None:
    from s3prl.nn import S3PRLUpstream

    upstream, path = conf.get("upstream"), conf.get("path_or_url")
    if upstream not in S3PRLUpstream.available_names():
        raise ValueError(
            f"frontend_conf: frontend_conf: upstream: {upstream}: S3PRL has no such "
            "model; it has wavlm_large, hubert_large_ll60k, hf_hubert_custom, ..."
        )
    if upstream.endswith("_local") and not Path(str(path)).is_file():
        raise ValueError(
            f"frontend_conf: frontend_conf: path_or_url: {path}: is missing; "
            f"{upstream} reads a checkpoint of S3PRL's"
        )
