"""Speech of espeak-ng's voice variants, synthesised inside this process.

The synthesiser comes from the package ``espeakng-loader``, an optional dependency
of this recipe alone. espeak-ng is licensed under the GPL, version 3 or later; it is
loaded at run time and no part of it is in this repository.

espeak-ng keeps state from one utterance to the next, and the seed of its random
numbers covers only a part of it. The same audio comes again only if a fresh process
speaks the same utterances in the same order: use one process for one voice.
"""

import ctypes
import os
import tempfile
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from espnet2.data_dir.tables import DataError
from espnet2.radio.fm_link import AUDIO_RATE
from espnet2.radio.utterance import Say, Utterance

SYNCHRONOUS, DONT_EXIT = 2, 0x8000  # espeak_AUDIO_OUTPUT, option of espeak_Initialize
RATE, VOLUME, PITCH = 1, 2, 3  # espeak_PARAMETER
POSITION_CHARACTER, CHARS_UTF8 = 1, 1
LONGEST_DATA_PATH = 140  # espeak-ng cuts longer paths (at 160, with what it appends)
QUIET_VOLUME = 60  # at the default of 100 some voices clip
SPEAKING_RATES = (160, 210)  # words a minute
PITCHES = (35, 65)  # espeak-ng's 0 to 99; 50 is the voice's own
SPELT_FOR_ESPEAK = {"XRAY": "x-ray"}

AudioCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class SpeechError(DataError):
    """espeak-ng is missing, lacks a voice or failed; the message says which."""


def check_variants(names: list[str]) -> None:
    """Raise a `SpeechError` unless espeak-ng is there and has all these variants.

    It would speak with its base voice if it did not know one. They are called as the
    files in ``voices/!v`` of its data folder.
    """
    folder = _data_path() / "voices" / "!v"
    known = {path.name for path in folder.iterdir()}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SpeechError(
            f"espeak-ng has no voice variant {', '.join(map(repr, unknown))} in "
            f"{folder}; it has: {', '.join(sorted(known))}"
        )


class Speaker:
    """One voice variant, such as "m3", of American English; one in a process."""

    def __init__(self, variant: str) -> None:
        check_variants([variant])
        self._chunks: list[np.ndarray] = []
        self._keep_callback = AudioCallback(self._receive)
        self._library = ctypes.CDLL(_loader().get_library_path())
        self._sample_rate = self._start()
        self._library.espeak_SetSynthCallback(self._keep_callback)
        self._call("espeak_SetVoiceByName", f"en-us+{variant}".encode())
        self._call("espeak_SetParameter", VOLUME, QUIET_VOLUME, 0)

    def say(self, text: str, rate: int, pitch: int, seed: int) -> np.ndarray:
        """Speech without the silence at its ends, ``(samples,)`` float64, 8 kHz.

        ``text`` is in upper case; ``rate`` is 80 to 450 words a minute (espeak-ng's
        default is 175), ``pitch`` 0 to 99 (50 is the voice's own); the ``seed``, from
        1, is that of flutter and the like.
        """
        words = [SPELT_FOR_ESPEAK.get(word, word.lower()) for word in text.split()]
        utf8 = " ".join(words).encode()
        self._chunks.clear()
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(seed))
        self._call("espeak_SetParameter", RATE, rate, 0)
        self._call("espeak_SetParameter", PITCH, pitch, 0)
        size = ctypes.c_size_t(len(utf8) + 1)
        where = (0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None)
        self._call("espeak_Synth", utf8, size, *where)
        self._call("espeak_Synchronize")
        if not self._chunks or not np.any(self._chunks[0]):
            raise SpeechError(f"espeak-ng gave no sound for {text!r}")
        speech = np.concatenate(self._chunks).astype(np.float64) / 32768
        return _trim(resample_poly(speech, AUDIO_RATE, self._sample_rate))

    def _start(self) -> int:
        """Start espeak-ng on the loader's data; returns its sample rate in Hz."""
        data_path = str(_data_path())
        if len(data_path) > LONGEST_DATA_PATH:
            self._keep_link = tempfile.TemporaryDirectory()
            link = os.path.join(self._keep_link.name, "espeak-ng-data")
            os.symlink(data_path, link)
            data_path = link
        rate = self._library.espeak_Initialize(
            SYNCHRONOUS, 0, os.fsencode(data_path), DONT_EXIT
        )
        if rate <= 0:
            raise SpeechError(f"espeak-ng did not start with its data in {data_path}")
        return rate

    def _receive(self, samples: object, count: int, events: object) -> int:
        """Collect a chunk of audio (called by espeak-ng); 0 means go on."""
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def _call(self, function: str, *arguments: object) -> None:
        status = getattr(self._library, function)(*arguments)
        if status != 0:
            raise SpeechError(f"{function}{arguments} of espeak-ng returned {status}")


def speak_as(voice: str) -> Say:
    """The voice of a variant; rate, pitch and flutter are drawn for each utterance."""
    speaker = Speaker(voice)

    def say(utterance: Utterance, rng: np.random.Generator) -> np.ndarray:
        rate, pitch = rng.integers(*SPEAKING_RATES), rng.integers(*PITCHES)
        espeak_seed = int(rng.integers(1, 2**31))
        return speaker.say(utterance.text, int(rate), int(pitch), espeak_seed)

    return say


def _loader() -> object:
    try:
        import espeakng_loader as loader
    except ImportError as error:
        what = "the toy corpus needs espeak-ng: run 'pip install espeakng-loader'"
        raise SpeechError(what) from error
    return loader


def _data_path() -> Path:
    return Path(_loader().get_data_path())


def _trim(audio: np.ndarray) -> np.ndarray:
    """Cut what is below 1 % of the peak at both ends."""
    loud = np.flatnonzero(np.abs(audio) > 0.01 * np.abs(audio).max())
    return audio[loud[0] : loud[-1] + 1]
