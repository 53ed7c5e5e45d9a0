"""What a recogniser hears of a recording: at its rate, and more or less enhanced.

Observation adding gives a recogniser enhanced speech with a share of the noisy speech
("observation") that it was made from. That hides the artefacts of enhancement, which
harm recognition more than noise does; nothing is trained.
"""

import argparse
from pathlib import Path

import numpy as np

from espnet2.bin.enh_inference import SeparateSpeech
from espnet2.data_dir.audio import parse_rate
from espnet2.data_dir.resampling import resample
from espnet2.enh.inference import hear_as_trained
from espnet2.enh.own_separators import add_own_separators


def add_observation(
    enhanced: np.ndarray, noisy: np.ndarray, share: float
) -> np.ndarray:
    """Return ``(1 - share) * enhanced + share * noisy``, (..., samples).

    Iwamoto et al., "How bad are artifacts?" (Interspeech 2022), add a scaled
    observation to the whole enhanced signal. Here the two shares add up to one: 0 is
    the enhanced speech alone, 1 the noisy speech, and the level of the speech stays.
    """
    return (1 - share) * enhanced + share * noisy


class Hearing:
    """Brings speech to a recogniser.

    The speech is enhanced here, in float: files of enhanced speech have been brought to
    a peak of 0.9, each by a factor of its own, and would have to be mixed by guess.

    Args:
        options: of the command line, see ``add_hearing_options``.
        rate: of the recogniser, Hz.
        device: cpu or cuda.
    """

    def __init__(self, options: argparse.Namespace, rate: int, device: str) -> None:
        self.data_rate, self.rate = parse_rate(options.data_fs), rate
        self.share, self.channel = options.noisy_share, options.ref_channel
        self.enhance = None
        if options.enh_model_file is not None:
            add_own_separators()
            self.enhance = SeparateSpeech(
                options.enh_train_config,
                options.enh_model_file,
                inference_config=options.enh_inference_config,
                enh_s2t_task=True,
                device=device,
            )
            hear_as_trained(self.enhance.enh_model)

    def __call__(self, speech: np.ndarray) -> np.ndarray:
        """Return what is heard of speech at the data's rate: float32 at its own.

        Args:
            speech: (samples,) or (samples, channels); of several channels, the SE
                module hears all, a recogniser the reference channel.
        """
        speech = np.asarray(speech, dtype=np.float32)
        samples = speech if speech.ndim == 1 else speech[:, self.channel]
        if self.enhance is not None:
            enhanced = self.enhance(speech[None], fs=self.data_rate)[0][0]
            samples = add_observation(enhanced, samples, self.share)
        return resample(samples, self.data_rate, self.rate).astype(np.float32)


def add_hearing_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is heard."""
    group = parser.add_argument_group("What is heard")
    group.add_argument("--data_fs", required=True, help="rate of the speech: 8k...")
    group.add_argument(
        "--enh_train_config", type=Path, help="of a joint model, which enhances first"
    )
    group.add_argument("--enh_model_file", type=Path, help="its parameters")
    group.add_argument("--ref_channel", type=int, default=0, help="of several, from 0")
    group.add_argument("--enh_inference_config", type=Path, help="as of enh_inference")
    group.add_argument(
        "--noisy_share", type=float, default=0.0, help="of the noisy speech, 0 to 1"
    )


def take_hearing_options(args: argparse.Namespace) -> argparse.Namespace:
    """Take the options of ``add_hearing_options`` out of parsed ones."""
    names = ("data_fs", "ref_channel", "enh_train_config", "enh_model_file")
    names += ("enh_inference_config", "noisy_share")
    return argparse.Namespace(**{name: vars(args).pop(name) for name in names})
