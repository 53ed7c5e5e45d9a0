"""Large front ends of upstream's that, frozen, still hand gradients to their input.

Upstream runs a frozen Whisper under ``no_grad``, and S3PRL turns the waveform for its
Hugging Face models into NumPy arrays: the ASR gradient ends there and never reaches the
SE module. Here the weights are frozen, and not the graph. Parameters, options and
features are upstream's, so that stock ESPnet reads the models.
"""

import functools
from contextlib import AbstractContextManager
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from espnet2.asr.frontend.s3prl import S3prlFrontend
from espnet2.asr.frontend.whisper import WhisperFrontend
from espnet2.tasks.asr import frontend_choices


class PassingWhisperFrontend(WhisperFrontend):
    """Upstream's Whisper encoder; ``freeze_weights`` freezes its weights alone."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.whisper.decoder.requires_grad_(False)  # never used
        if self.freeze_weights:
            self.whisper.requires_grad_(False)
        self.freeze_weights = False  # for upstream's forward: no_grad
        # Only word times want them, and DistributedDataParallel refuses sparse buffers.
        heads = self.whisper.alignment_heads.to_dense()
        self.whisper.register_buffer("alignment_heads", heads, persistent=False)


class PassingS3prlFrontend(S3prlFrontend):
    """Upstream's S3PRL front end, whose Hugging Face models pass gradients too.

    WavLM, HuBERT and wav2vec 2.0 as S3PRL has them do without help. Weights are frozen
    by ``freeze_param: [s2t_model.frontend.upstream]``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        expert = self.upstream.upstream
        if hasattr(expert, "extracter"):  # S3PRL's word for a feature extractor
            expert.forward = functools.partial(hugging_face_states, expert)


def hugging_face_states(
    expert: torch.nn.Module, wavs: list[Tensor]
) -> dict[str, tuple[Tensor, ...]]:
    """Return what S3PRL's expert returns, computed by torch from end to end.

    Args:
        expert: with ``model`` and, as ``extracter``, its ``Wav2Vec2FeatureExtractor``,
            which gives each utterance mean 0 and variance 1 where the model wants it.
        wavs: of each utterance, (samples,), 16 kHz.

    Returns:
        ``hidden_states``: of each layer, (batch, frames, channels).
    """
    if expert.extracter.do_normalize:
        wavs = [F.layer_norm(wav, wav.shape, eps=1e-7) for wav in wavs]
    ones = [torch.ones_like(wav, dtype=torch.long) for wav in wavs]
    states = expert.model(
        pad_sequence(wavs, True, expert.extracter.padding_value),
        attention_mask=pad_sequence(ones, batch_first=True),
        output_hidden_states=True,
    )
    return {"hidden_states": states.hidden_states}


PASSING_FRONT_ENDS = {"whisper": PassingWhisperFrontend, "s3prl": PassingS3prlFrontend}


def passing_front_ends() -> AbstractContextManager:
    """In a with block, have upstream's tasks build these, under upstream's names."""
    return mock.patch.dict(frontend_choices.classes, PASSING_FRONT_ENDS)
