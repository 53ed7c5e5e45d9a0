"""A made-up CHiME-4 tree with the layout, formats and oddities of the real one.

Sound is synthetic; text is made up. What must come out is known: every simulated
training mixture is its clean part plus a segment of the background, in whole steps of
16 bits.
"""

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000
WORDS = "THE MARKET ROSE AGAIN TODAY BUT BANKS FELL SHARPLY IN QUIET TRADING".split()


@dataclass
class FakeChime4:
    """The tree and what is true of it.

    Attributes:
        root: the folder that has ``data/``.
        clean: clean part of ``<utterance>.CH<n>`` of tr05_simu, int32.
        texts: text of ``<set>/<utterance>`` as it must come out.
    """

    root: Path
    clean: dict[str, np.ndarray] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def audio(self) -> Path:
        return self.root / "data/audio/16kHz"

    def utterances(self, name: str) -> list[str]:
        keys = (key.split("/") for key in self.texts)
        return sorted(utt for set_name, utt in keys if set_name == name)


def make_chime4(
    root: Path, sentences: int = 2, channels=(5,), ext: bool = False, seed: int = 0
) -> FakeChime4:
    """Write the tree; ``sentences`` for each of two speakers and of each set."""
    maker = _Maker(FakeChime4(root), np.random.default_rng(seed), channels, ext)
    maker.backgrounds()
    maker.training(sentences)
    for split in ("dt05", "et05"):
        maker.evaluation(split, sentences)
    maker.newspaper()
    return maker.fake


def make_wsj1(root: Path, fake: FakeChime4, seed: int = 1) -> Path:
    """Write WSJ1 with two sentences, and into the tree's WSJ0 the other index."""
    rng = np.random.default_rng(seed)
    disc = root / "13-16.1/wsj1/si_tr_s/460"
    names = ["460c0201", "460c0202"]
    lines = ["; comment", "", *(f"13_16_1:wsj1/si_tr_s/460/{n}.wv1" for n in names)]
    write_text(root / "13-34.1/wsj1/doc/indices/si_tr_s.ndx", lines)
    for name in names:
        write_wav(disc / f"{name}.wv1", speech(rng, 12000), format="NIST")
    dots = [f"{text_of(i)} ({name})" for i, name in enumerate(names)]
    write_text(root / "13-34.1/wsj1/trans/wsj1/si_tr_s/460/460c0200.dot", dots)
    wsj0 = fake.root / "data/WSJ0/wsj0"
    taken = [utt.split("_")[1].lower() for utt in fake.utterances("tr05_simu")]
    for name in taken:
        write_wav(wsj0 / f"si_tr_s/{name[:3]}/{name}.WV1", speech(rng, 12000), "NIST")
    lines = [f"11_1_1:wsj0/si_tr_s/{name[:3]}/{name}.wv1" for name in taken]
    write_text(wsj0 / "doc/indices/train/tr_s_wv1.ndx", lines)
    return root


def text_of(number: int, words: int = 4) -> str:
    return " ".join(WORDS[(number * 5 + i) % len(WORDS)] for i in range(words))


def speech(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Bursts of a harmonic tone with pauses, int32."""
    time = np.arange(samples) / RATE
    pitch = rng.uniform(100, 200)
    tone = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 12))
    gate = np.clip(
        np.sin(2 * np.pi * rng.uniform(3, 5) * time + rng.uniform(0, 6)), 0, 1
    )
    hiss = rng.normal(0, 3, samples)
    return np.round(2000 * tone * gate + hiss).astype(np.int32)


def write_wav(path: Path, samples: np.ndarray, format: str = "WAV") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    limited = np.clip(samples, -32768, 32767).astype(np.int16)
    soundfile.write(path, limited, RATE, subtype="PCM_16", format=format)


def write_text(path: Path, lines: list[str], end: str = "\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())


class _Maker:
    def __init__(self, fake, rng, channels, ext):
        self.fake, self.rng, self.channels, self.ext = fake, rng, channels, ext
        self.noise: dict[str, np.ndarray] = {}

    def backgrounds(self) -> None:
        for environment in ("BUS", "STR"):
            name = f"BGD_150204_010_{environment}"
            for channel in self.channels:
                noise = np.round(self.rng.normal(0, 300, 4 * RATE)).astype(np.int32)
                self.noise[f"{name}.CH{channel}"] = noise
                write_wav(
                    self.fake.audio / f"backgrounds/{name}.CH{channel}.wav", noise
                )

    def training(self, sentences: int) -> None:
        simulated, dots = [], {}
        for speaker, environment in (("011", "BUS"), ("01A", "STR")):
            for number in range(sentences):
                wsj = f"{speaker}C02{number + 1:02d}"
                simulated.append(self._mix(speaker, wsj, environment))
                text = text_of(number + ord(environment[0]))
                marked = f"{text} [misc_noise] ." if number == 0 else text
                spoken = f"{text} <NOISE>" if number == 0 else text
                self.fake.texts[f"tr05_simu/{speaker}_{wsj}_{environment}"] = spoken
                session = dots.setdefault(f"{speaker}/{speaker}c0200".lower(), [])
                session.append(f"{marked.lower()} ({wsj.lower()})")
        base = self.fake.root / "data/WSJ0/wsj0/si_tr_s"
        for number, (session, lines) in enumerate(dots.items()):
            suffix = ".dot" if number == 0 else ".DOT"  # discs differ in case
            write_text(base / f"{session}{suffix}", ["", *lines], end="\r\n")
        write_text(base / "401/401c0200.dot", ["other words (401c0201)"])
        self._annotate("tr05_simu", simulated)
        names = [("M03", f"05{number}C010{number}") for number in range(sentences)]
        self._real("tr05", names)
        self._annotate("tr05_org", [{"speaker": "011", "wsj_name": "011C0201"}])
        self._annotate("tr05_bth", [])

    def _mix(self, speaker: str, wsj: str, environment: str) -> dict:
        """One simulated training utterance: clean, filtered, plus background."""
        size = int(self.rng.integers(12000, 15000))
        original = speech(self.rng, size)
        org = f"isolated/tr05_org/{speaker}_{wsj}_ORG.wav"
        write_wav(self.fake.audio / org, original)
        start = int(self.rng.integers(100, 2 * RATE))
        recording = f"BGD_150204_010_{environment}"
        folder = f"tr05_{environment.lower()}_simu"
        for channel in self.channels:
            delayed = np.roll(original, channel - 3)
            clean = np.round(0.6 * delayed + 0.2 * np.roll(delayed, 1)).astype(np.int32)
            noise = self.noise[f"{recording}.CH{channel}"][start : start + size]
            key = f"{speaker}_{wsj}_{environment}.CH{channel}"
            write_wav(self.fake.audio / f"isolated/{folder}/{key}.wav", clean + noise)
            self.fake.clean[key] = clean
            self._write_ext(f"{folder}/{key}", clean, noise)
        return {
            **{"speaker": speaker, "wsj_name": wsj, "environment": environment},
            **{"noise_wavfile": recording, "noise_start": start / RATE},
            **{"noise_end": (start + size) / RATE, "ir_wavfile": "M03_150204_010_BUS"},
            **{"ir_start": 1.5, "ir_end": 3.25},
        }

    def _write_ext(self, name: str, clean: np.ndarray, noise: np.ndarray) -> None:
        if self.ext:
            write_wav(self.fake.audio / f"isolated_ext/{name}.Clean.wav", clean)
            write_wav(self.fake.audio / f"isolated_ext/{name}.Noise.wav", noise)

    def evaluation(self, split: str, sentences: int) -> None:
        """Real and simulated utterances of the same names, as in the corpus."""
        names = [(f"F0{n % 4 + 1}", f"22GC01{n:02d}") for n in range(sentences)]
        self._real(split, names)
        entries, lines, tracks = [], [], []
        folder = f"{split}_bus_simu"
        for number, (speaker, wsj) in enumerate(names):
            name, size, start = f"{speaker}_{wsj}_BUS", 13000 + 100 * number, 2.5
            clean = speech(self.rng, size)
            noise = np.round(self.rng.normal(0, 300, size)).astype(np.int32)
            track = f"isolated_1ch_track/{folder}/{name}.wav"
            write_wav(self.fake.audio / track, clean + noise)
            for channel in self.channels:
                one = f"{folder}/{name}.CH{channel}"
                write_wav(self.fake.audio / f"isolated/{one}.wav", clean + noise)
                self._write_ext(one, clean, noise)
            booth = f"isolated/{split}_bth/{speaker}_{wsj}_BTH.CH0.wav"
            write_wav(self.fake.audio / booth, clean)
            self._write_ext(f"{folder}/{name}.CH4", clean, noise)
            lines.append(self._line(f"{split}_simu", name, number))
            tracks.append(f"{folder}/{name}.CH4.wav")
            entries.append(
                {
                    **{"speaker": speaker, "wsj_name": wsj, "environment": "BUS"},
                    **{"wavfile": "x", "start": 0.0, "end": 1.0},
                    **{"noise_wavfile": "F01_150204_010_BUS", "noise_start": start},
                    **{"noise_end": start + size / RATE},
                }
            )
        self._annotate(f"{split}_simu", entries)
        self._transcribe(f"{split}_simu", lines)
        self._annotate(f"{split}_bth", [])
        path = self.fake.root / f"data/annotations/{split}_simu_1ch_track.list"
        write_text(path, [*tracks, ""])

    def _real(self, split: str, names: list[tuple[str, str]]) -> None:
        entries, lines = [], []
        folder = f"{split}_bus_real"
        for number, (speaker, wsj) in enumerate(names):
            name = f"{speaker}_{wsj}_BUS"
            size = int(self.rng.integers(12000, 15000))
            noisy = speech(self.rng, size) + np.round(self.rng.normal(0, 300, size))
            channels = (0, *self.channels)
            paths = [f"isolated/{folder}/{name}.CH{n}.wav" for n in channels]
            if split != "tr05":
                paths.append(f"isolated_1ch_track/{folder}/{name}.wav")
            for path in paths:
                write_wav(self.fake.audio / path, noisy)
            lines.append(self._line(f"{split}_real", name, number))
            entries.append(
                {
                    **{"speaker": speaker, "wsj_name": wsj, "environment": "BUS"},
                    **{"wavfile": f"{speaker}_150204_010_BUS", "start": 10.25},
                    **{"end": 10.25 + size / RATE, "dot": text_of(number).lower()},
                }
            )
        self._annotate(f"{split}_real", entries)
        self._transcribe(f"{split}_real", lines)

    def _line(self, set_name: str, name: str, number: int) -> str:
        self.fake.texts[f"{set_name}/{name}"] = text_of(number)
        return f"{text_of(number).capitalize()} ({name})"

    def _annotate(self, name: str, entries: list[dict]) -> None:
        text = json.dumps(entries, indent=1)
        write_text(self.fake.root / f"data/annotations/{name}.json", [text])

    def _transcribe(self, name: str, lines: list[str]) -> None:
        base = self.fake.root / "data/transcriptions"
        write_text(base / f"{name}.dot_all", ["; comment", *lines, ""], end="\r\n")
        write_text(base / f"{name}.trn_all", ["of a form that is not known"])

    def newspaper(self) -> None:
        """Text for the language model, in WSJ0 as on the disc."""
        base = self.fake.root / "data/WSJ0/wsj0/doc/lng_modl/lm_train/np_data"
        for year in ("87", "88", "89"):
            lines = ["<art.87.001>", "<s.1>", text_of(int(year)).lower(), "</s>", ""]
            (base / year).mkdir(parents=True)
            packed = gzip.compress("\n".join(lines).encode(), mtime=0)
            (base / year / "w7_001.z").write_bytes(packed)
