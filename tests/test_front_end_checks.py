"""A front end that cannot train an SE module is refused before it is built."""

import importlib.util
import sys
from types import ModuleType

import pytest

from espnet2.tasks.front_end_checks import check_front_end

MODELS = ["tiny", "small", "large-v2", "large-v3", "turbo"]
SSL = ["wavlm_large", "wavlm_local", "hf_hubert_custom"]


@pytest.fixture(autouse=True)
def _packages(monkeypatch):
    """Stand-ins for whisper and s3prl, which not everyone has installed."""
    whisper, s3prl, nn = map(ModuleType, ("whisper", "s3prl", "s3prl.nn"))
    whisper.available_models = lambda: MODELS
    nn.S3PRLUpstream = type("Upstream", (), {"available_names": lambda: SSL})
    for module in (whisper, s3prl, nn):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(importlib.util, "find_spec", sys.modules.get)


def ssl(upstream: str, path: str | None = None, **conf) -> dict:
    inner = {"upstream": upstream, "path_or_url": path}
    return {"frontend": "s3prl", "frontend_conf": {"frontend_conf": inner, **conf}}


def whisper(**conf) -> dict:
    return {"frontend": "whisper", "frontend_conf": conf}


@pytest.mark.parametrize(
    "config",
    [
        {"frontend": "default", "frontend_conf": {"fs": "8k"}, "init": "chainer"},
        {"frontend": "sliding_window", "frontend_conf": None},
        whisper(),
        whisper(whisper_model="large-v2", fs="16K"),
        ssl("wavlm_large", fs=16000),
        ssl("wavlm_local", __file__),
        ssl("hf_hubert_custom", "someone/model"),
    ],
)
def test_what_can_be_trained_is_let_through(config):
    check_front_end(config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"frontend": "fused"}, "frontend: fused: hands no gradient to the SE module"),
        ({"frontend": "huggingface"}, "huggingface: hands no gradient"),
        (
            whisper(fs="8k"),
            "fs: 8k: whisper hears 16 kHz; run the recipe with --fs 16k",
        ),
        ({**ssl("wavlm_large"), "init": "chainer"}, "init: chainer: would overwrite"),
        (whisper(whisper_model="large-v3"), "wants 128 mel bands.*is large-v2"),
        (whisper(whisper_model="big"), "big: expected one of tiny, small, large-v2$"),
        (ssl("wavlm_huge"), "upstream: wavlm_huge: S3PRL has no such model"),
        (ssl("wavlm_local", "no.pt"), "path_or_url: no.pt: is missing; wavlm_local"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(config, message):
    with pytest.raises(ValueError, match=message) as error_info:
        check_front_end(config)
    assert "\n" not in str(error_info.value)


@pytest.mark.parametrize(
    ("name", "package"), [("whisper", "openai-whisper"), ("s3prl", "espnet-s3prl")]
)
def test_a_missing_package_is_named_with_the_command(monkeypatch, name, package):
    monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ValueError, match=f"{package} is not installed.*make -C tools"):
        check_front_end({"frontend": name})
