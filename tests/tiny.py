"""A tiny joint model and batches of noise, shared by the tests of training."""

import argparse
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from espnet2.enh.espnet_enh_asr_model import ESPnetEnhASRModel
from espnet2.tasks.gradient_remedy import GradientRemedyTask
from espnet2.train.trainer import TrainerOptions

wants_comm_hooks = pytest.mark.skipif(
    "ddp_comm_hook" not in TrainerOptions.__annotations__,
    reason="this version of ESPnet has no ddp_comm_hook",
)
TOKENS = ["<blank>", "<unk>", "A", "B", "C", "<sos/eos>"]

CONFIG = {
    "token_list": TOKENS,
    "enh_encoder_conf": {"n_fft": 64, "hop_length": 32},
    "enh_decoder_conf": {"n_fft": 64, "hop_length": 32},
    "enh_separator_conf": {"num_spk": 1, "nonlinear": "relu", "layer": 1, "unit": 6},
    "frontend_conf": {"fs": 8000, "n_fft": 64, "hop_length": 32, "n_mels": 12},
    "normalize": "utterance_mvn",
    "asr_encoder": "transformer",
    "asr_encoder_conf": {
        "output_size": 8,
        "attention_heads": 2,
        "linear_units": 8,
        "num_blocks": 1,
        "dropout_rate": 0.0,
        "positional_dropout_rate": 0.0,
    },
    "asr_decoder": "transformer",
    "asr_decoder_conf": {
        "attention_heads": 2,
        "linear_units": 8,
        "num_blocks": 1,
        "dropout_rate": 0.0,
        "positional_dropout_rate": 0.0,
    },
    "asr_model_conf": {"ctc_weight": 0.5},
}

# In the place of enh_separator_conf, for enh_separator: wpe_beamformer
BEAMFORMER = {
    "num_spk": 1,
    "loss_type": "spectrum",
    "use_wpe": False,
    "blayers": 1,
    "bunits": 6,
    "bprojs": 6,
    "badim": 6,
    "ref_channel": 1,
    "beamformer_type": "mvdr_souden",
    "use_noise_mask": True,
}


def tiny_args(**changes) -> argparse.Namespace:
    """Arguments of the task for the tiny model; ``changes`` replace whole keys."""
    parser = GradientRemedyTask.get_parser()
    parser.set_defaults(**{**CONFIG, **changes})
    return parser.parse_args(["--output_dir", "unused", "--ngpu", "0"])


def tiny_model(seed: int = 0, **changes) -> ESPnetEnhASRModel:
    """The tiny joint model in float64, initialised from ``seed``.

    In float64 the round-off of gradients that are zero in theory (a key's bias under
    softmax) stays under Adam's epsilon, instead of being made as large as any step.
    """
    torch.manual_seed(seed)
    return GradientRemedyTask.build_model(tiny_args(**changes)).double()


def batch(
    size: int = 4, seed: int = 0, kind: str = "", step: int = 100
) -> dict[str, Tensor]:
    """A batch of ``size`` noisy utterances, each ``step`` samples under the last."""
    generator = torch.Generator().manual_seed(seed)
    lengths = 2000 - step * torch.arange(size)
    clean = torch.randn(size, 2000, generator=generator).double() * 0.1
    clean *= torch.arange(2000) < lengths.unsqueeze(1)
    noise = torch.randn(size, 2000, generator=generator).double() * 0.1
    return {
        "speech": clean + noise * (clean != 0),
        "speech_lengths": lengths,
        "speech_ref1": clean,
        "speech_ref1_lengths": lengths.clone(),
        "text_spk1": torch.randint(2, 5, (size, 3), generator=generator),
        "text_spk1_lengths": torch.full((size,), 3),
        "utt_id": [f"utt{i}{kind}" for i in range(size)],
    }


class Batches:
    """An epoch of batches in the form of upstream's iterators."""

    def __init__(self, number: int, kinds: tuple[str, ...] = ("",), size: int = 4):
        self.batches = [
            batch(size, seed, kinds[seed % len(kinds)]) for seed in range(number)
        ]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[list[str], dict]]:
        for item in self.batches:
            copy = {k: v.clone() for k, v in item.items() if k != "utt_id"}
            yield item["utt_id"], copy


def gradients(model: torch.nn.Module, loss: Tensor) -> dict[str, Tensor]:
    """The gradients of ``loss`` by name, as ``backward`` leaves them."""
    model.zero_grad()
    loss.sum().backward()
    return {
        n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None
    }
