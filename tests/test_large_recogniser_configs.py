"""The example configs of frozen front ends differ from the recipe as they say."""

from pathlib import Path

import pytest

from espnet2.tasks.gradient_remedy import GradientRemedyTask
from espnet2.tasks.gradient_remedy_checks import check_config_types
from espnet2.tasks.layered_config import read_config

CONF = "egs2/mini_radio/asr_with_enhancement/conf"
FRONT_END = {"frontend", "frontend_conf", "asr_preencoder_conf"}


@pytest.fixture
def load(repo_root):
    def read(name: str) -> dict:
        return read_config(Path(repo_root, CONF, f"train_{name}.yaml"))

    return read


def different(one: dict, other: dict) -> set[str]:
    return {key for key in one.keys() | other if one.get(key) != other.get(key)}


def test_whispers_differs_from_the_recipes_by_the_rate_and_the_front_end(load):
    base, whisper = load("gradient_remedy"), load("whisper_frozen")
    rate = {"enh_encoder_conf", "enh_decoder_conf"}
    more = {"asr_preencoder", "asr_encoder_conf"}
    assert different(base, whisper) == FRONT_END | rate | more
    encoders = (config["asr_encoder_conf"] for config in (base, whisper))
    assert different(*encoders) == {"input_layer"}
    for key in rate:
        twice = {name: 2 * samples for name, samples in base[key].items()}
        assert whisper[key] == twice


def test_wavlms_differs_from_whispers_by_the_front_end(load):
    whisper, wavlm = load("whisper_frozen"), load("wavlm_frozen")
    assert different(whisper, wavlm) == FRONT_END | {"freeze_param"}


@pytest.mark.parametrize("name", ["whisper_frozen", "wavlm_frozen"])
def test_they_are_training_configs(load, name):
    check_config_types(load(name), GradientRemedyTask.get_parser())
