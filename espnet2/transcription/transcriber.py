"""Text and enhanced speech of a joint model, by upstream's own inference classes."""

import inspect
from pathlib import Path

import numpy as np
import torch

from espnet2.bin.asr_inference import Speech2Text
from espnet2.bin.enh_inference import SeparateSpeech
from espnet2.enh.channels import heard_channels
from espnet2.enh.inference import hear_as_trained
from espnet2.enh.own_separators import add_own_separators
from espnet2.plain_data import plain_loading, read_weights, read_yaml
from espnet2.transcription.model_files import ModelFiles
from espnet2.transcription.recogniser import rate_of

# Options of upstream's decoding that --model and --device settle here.
SETTLED = ("self", "asr_train_config", "asr_model_file", "enh_s2t_task", "device")


class Transcriber:
    """A joint model that gives the text of noisy speech, and the enhanced speech.

    Args:
        files: the model, from ``model_files``.
        decode_conf: options of upstream's ``Speech2Text``, such as beam_size.
        device: cpu or cuda.
        enhance: whether ``enhance`` will be called, which takes a second copy.

    Raises:
        ValueError: the model cannot be built, or parameters are missing.
    """

    def __init__(
        self, files: ModelFiles, decode_conf: dict, device: str, enhance: bool
    ) -> None:
        add_own_separators()
        model = (files.config, files.weights)
        common = {"enh_s2t_task": True, "device": device}
        lm = {"lm_train_config": files.lm_config, "lm_file": files.lm_weights}
        self.separate = None
        try:
            with plain_loading():
                self.to_text = Speech2Text(*model, **common, **{**lm, **decode_conf})
                if enhance:
                    self.separate = SeparateSpeech(
                        *model, **common, normalize_output_wav=True
                    )
        except Exception as error:  # upstream raises all kinds
            raise ValueError(
                f"{files.weights}: cannot be built: {type(error).__name__}: {error}"
            ) from error
        check_complete(self.to_text.asr_model, files.weights, ("enh_model.", "s2t_"))
        self.rate = rate_of(vars(self.to_text.asr_train_args))
        self.enh_model = self.to_text.asr_model.enh_model
        hear_as_trained(self.enh_model)
        if self.separate is not None:
            hear_as_trained(self.separate.enh_model)

    def choose_channel(self, wanted: int | None) -> int | None:
        """Return which of several channels to take; None, all of them.

        Args:
            wanted: that channel, from 0; None, the first if the model hears one alone.

        Raises:
            ValueError: one is wanted, and the model hears several at once.
        """
        least, most = heard_channels(self.enh_model.separator)
        if wanted is None:
            return 0 if most == 1 else None
        if least > 1:
            raise ValueError(
                f"--channel {wanted}: the model hears several channels at once; leave "
                "the option out"
            )
        return wanted

    def transcribe(self, speech: np.ndarray) -> str:
        """Return the text of speech at ``rate``.

        Args:
            speech: (samples,) or, of several microphones, (samples, channels).

        Raises:
            ValueError: the model is not for so many channels.
        """
        (hypotheses,) = self.to_text(speech)
        return hypotheses[0][0].strip()

    def enhance(self, speech: np.ndarray) -> np.ndarray:
        """Return the enhanced (samples,), its peak at 0.9 as in the recipes.

        Args:
            speech: as of ``transcribe``.

        Raises:
            ValueError: as of ``transcribe``, or the enhanced speech is not finite.
        """
        (enhanced,) = self.separate(speech[None], fs=self.rate)
        if not np.isfinite(enhanced).all():
            raise ValueError(
                "the enhanced speech is not finite; is there only silence?"
            )
        return enhanced[0]


def check_complete(
    model: torch.nn.Module, weights: Path, parts: tuple[str, ...] = ("",)
) -> None:
    """Raise ValueError if a parameter is not in the checkpoint.

    Upstream leaves such a parameter at its random start without a word. ``parts`` are
    how the names begin of those that count.
    """
    wanted = {name for name in model.state_dict() if name.startswith(parts)}
    missing = sorted(wanted - read_weights(weights).keys())
    if missing:
        raise ValueError(
            f"{weights}: lacks {len(missing)} parameters that the config asks "
            f"for, such as {missing[0]}"
        )


def read_decode_conf(path: Path | None) -> dict:
    """Return a decoding config, whose keys are options of ``Speech2Text``."""
    if path is None:
        return {}
    conf = read_yaml(path)
    known = [
        key for key in inspect.signature(Speech2Text).parameters if key not in SETTLED
    ]
    unknown = sorted(map(str, set(conf) - set(known)))
    if unknown:
        raise ValueError(
            f"{path}: unknown key {', '.join(unknown)}; known are {', '.join(known)}"
        )
    return conf
