"""The two networks that are measured, and batches of noise for them."""

import argparse
from pathlib import Path
from typing import NamedTuple

import torch
import yaml
from torch import Tensor

from espnet2.enh.espnet_enh_asr_model import ESPnetEnhASRModel
from espnet2.tasks.gradient_remedy import GradientRemedyTask
from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import resolve_gradient_conf, resolve_shared_params
from espnet2.train.two_gradient_module import trainable_parameters

SAMPLE_RATE = 8000  # Hz
MINI_CONFIG = "egs2/mini_radio/asr_with_enhancement/conf/train_gradient_remedy.yaml"

# In the size of the authors' system: a mask from a BLSTM, a Conformer recogniser.
AUTHORS_CONFIG = {
    "gradient_conf": {"max_stretch": "dynamic"},
    "enh_encoder_conf": {"n_fft": 512, "hop_length": 256},
    "enh_decoder_conf": {"n_fft": 512, "hop_length": 256},
    "enh_separator": "rnn",
    "enh_separator_conf": {
        "rnn_type": "blstm",
        "num_spk": 1,
        "nonlinear": "relu",
        "layer": 3,
        "unit": 896,
        "dropout": 0.0,
    },
    "frontend_conf": {"n_fft": 512, "win_length": 200, "hop_length": 80, "n_mels": 80},
    "normalize": "utterance_mvn",
    "asr_encoder": "conformer",
    "asr_encoder_conf": {
        "output_size": 256,
        "attention_heads": 4,
        "linear_units": 2048,
        "num_blocks": 12,
        "dropout_rate": 0.0,
        "positional_dropout_rate": 0.0,
        "input_layer": "conv2d",
        "macaron_style": True,
        "use_cnn_module": True,
        "cnn_module_kernel": 15,
        "rel_pos_type": "latest",
        "pos_enc_layer_type": "rel_pos",
        "selfattention_layer_type": "rel_selfattn",
    },
    "asr_decoder": "transformer",
    "asr_decoder_conf": {
        "attention_heads": 4,
        "linear_units": 2048,
        "num_blocks": 6,
        "dropout_rate": 0.0,
        "positional_dropout_rate": 0.0,
    },
    "asr_model_conf": {"ctc_weight": 0.3},
}


class Network(NamedTuple):
    """A joint model in training mode with all that its training step needs."""

    model: ESPnetEnhASRModel
    method: GradientMethod
    shared_params: list[str]
    parameters: dict[str, Tensor]
    groups: dict[str, list[str]]

    @property
    def shared(self) -> list[Tensor]:
        """The parameters that both losses train."""
        names = [name for group in self.groups.values() for name in group]
        return [self.parameters[name] for name in names]


def mini_config() -> dict:
    """Return the demo's configuration without dropout, so that all steps are alike."""
    path = Path(__file__).resolve().parents[2] / MINI_CONFIG
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    for part in ("asr_encoder_conf", "asr_decoder_conf"):
        for key in config[part]:
            if key.endswith("dropout_rate"):
                config[part][key] = 0.0
    return config


def build_network(config: dict, vocabulary: int, device: torch.device) -> Network:
    """Return the network that the task builds from ``config``, in float32."""
    torch.manual_seed(0)
    args = _task_arguments(config, vocabulary, ngpu=int(device.type == "cuda"))
    model = GradientRemedyTask.build_model(args).to(device).train()
    parameters, names = trainable_parameters(model)
    return Network(
        model,
        make_method("remedy", resolve_gradient_conf(args.gradient_conf)),
        args.shared_params,
        parameters,
        resolve_shared_params(args.shared_params, names),
    )


def _task_arguments(config: dict, vocabulary: int, ngpu: int) -> argparse.Namespace:
    letters = [f"token{i}" for i in range(vocabulary - 3)]
    frontend = {**config["frontend_conf"], "fs": SAMPLE_RATE}
    parser = GradientRemedyTask.get_parser()
    parser.set_defaults(
        **{**config, "frontend_conf": frontend},
        token_list=["<blank>", "<unk>", *letters, "<sos/eos>"],
    )
    return parser.parse_args(["--output_dir", "unused", "--ngpu", str(ngpu)])


def forget_last_graph(model: torch.nn.Module) -> None:
    """Drop the attention maps that upstream's layers keep from the last forward pass.

    With them goes the whole graph, which a backward pass that retains it left behind.
    """
    for module in model.modules():
        if getattr(module, "attn", None) is not None:
            module.attn = None


def noise_batch(
    utterances: int, seconds: float, vocabulary: int, device: torch.device
) -> dict[str, Tensor]:
    """Return utterances of ``seconds`` down to 60% of that, two tokens a second."""
    generator = torch.Generator().manual_seed(0)
    samples = int(seconds * SAMPLE_RATE)
    tokens = int(seconds * 2)
    lengths = (torch.linspace(1.0, 0.6, utterances) * samples).long()
    inside = torch.arange(samples) < lengths.unsqueeze(1)
    clean, noise = torch.randn(2, utterances, samples, generator=generator) * 0.1
    text = torch.randint(2, vocabulary - 1, (utterances, tokens), generator=generator)
    batch = {
        "speech": (clean + noise) * inside,
        "speech_lengths": lengths,
        "speech_ref1": clean * inside,
        "text_spk1": text,
        "text_spk1_lengths": torch.full((utterances,), tokens),
    }
    return {name: value.to(device) for name, value in batch.items()}
