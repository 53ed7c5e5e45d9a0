"""A recipe folder in which all stages have run, with made-up sound and figures.

The files of stage 14 are written by what its own script calls, so that the page reads
what it will find.
"""

from pathlib import Path

import numpy as np
import soundfile
import yaml

from espnet2.results.sclite import score
from espnet2.results.units import make_cutter, read_units
from espnet2.train.gradient_log import GradientLog

CALM, FIGHT = (0.5, 1.0, 0, 0, 1.0), (-0.5, 100.0, 1, 1, 50.0)
LEVELS = {"noisy": 0.3, "enhanced": 0.05, "clean": 0.1}

SECONDS = 1.5  # of an utterance, if nothing else is asked for
HOSTILE = "<script>alert(1)</script>\"'><img/src=x/onerror=alert(2)>"
# Utterance: what was said, what was recognised
ODD_TEXTS = {
    "a-clean-one": ("alpha bravo", "alpha bravo"),
    "b-half": ("charlie delta", "charlie echo"),
    "c-none": ("golf hotel", ""),
    "d-arabic": ("\u0648\u0627\u062d\u062f \u0627\u062b\u0646",) * 2,
    HOSTILE: (f"kilo </p>{HOSTILE}", f"</ins>{HOSTILE} lima"),
    "x" * 120: ("november oscar", "november " + "y" * 200),
}
ODD_SNR = dict(zip(ODD_TEXTS, (5.0, -1.0, 0.5, 2.0, 3.0, 4.0), strict=True))


class FakeRecipe:
    """Writes ``dump`` and ``exp`` below ``root``.

    Args:
        root: a folder.
        rate: of the sound, Hz.
    """

    def __init__(self, root: Path, rate: int = 8000) -> None:
        self.root = root
        self.rate = rate
        self.dump = root / "dump"

    def exp(self, name: str) -> Path:
        """The folder of an experiment."""
        return self.root / "exp" / name

    def add_set(
        self, references: dict[str, str], name: str = "test", seconds: float = SECONDS
    ) -> None:
        """Write ``dump/raw/<name>``: one speaker, a tone in noise."""
        folder = self.dump / "raw" / name
        write_table(folder / "text_spk1", references)
        write_table(folder / "utt2spk", dict.fromkeys(references, "sp"))
        for file, kind in (("wav.scp", "noisy"), ("spk1.scp", "clean")):
            write_table(folder / file, self._sounds(references, kind, seconds))

    def decode(
        self, exp: str, hypotheses: dict[str, str], name: str = "test", tag: str = "dec"
    ) -> None:
        """Write a decoded set and its WER and CER."""
        folder = self.exp(exp) / tag / name
        write_table(folder / "text_spk1", hypotheses)
        for kind, unit in (("wer", "word"), ("cer", "char")):
            cut = make_cutter(unit, None)
            source = self.dump / "raw" / name / "text_spk1"
            reference = read_units(source, cut, demand_units=True)
            hypothesis = {key: cut(text) for key, text in hypotheses.items()}
            speakers = dict.fromkeys(reference, "sp")
            files = score(reference, hypothesis, speakers, unit)
            (folder / f"score_{kind}").mkdir(parents=True)
            for file, text in files.items():
                path = folder / f"score_{kind}" / file
                path.write_text(text, encoding="utf-8")

    def enhance(
        self,
        exp: str,
        before: dict[str, float],
        after: dict[str, float],
        name: str = "test",
        seconds: float = SECONDS,
    ) -> None:
        """Write enhanced sound and the SI-SNR of both sides."""
        folder = self.exp(exp) / f"enhanced_{name}"
        write_table(
            folder / "spk1.scp", self._sounds(after, f"enhanced {exp}", seconds)
        )
        raw = self.dump / "raw" / name
        for scoring, values in ((raw, before), (folder, after)):
            write_table(scoring / "scoring" / "SI_SNR_spk1", values)
            mean = f"{np.mean(list(values.values())):.2f}\n"
            (scoring / "scoring" / "result_si_snr.txt").write_text(mean)

    def train(self, exp: str) -> None:
        """Write a config and a log of gradients, half of them in conflict."""
        config = {
            "config": "conf/train.yaml",
            "seed": 7,
            "gradient_method": "remedy",
            "gradient_conf": {"threshold": 5.0},
        }
        self.exp(exp).mkdir(parents=True, exist_ok=True)
        (self.exp(exp) / "config.yaml").write_text(yaml.safe_dump(config))
        log = GradientLog(self.exp(exp), 1)
        for _ in range(8):
            log.add(["enh_model.a", "enh_model.b"], np.array([CALM, FIGHT]))
        log.save()

    def _sounds(self, utterances: dict, kind: str, seconds: float) -> dict[str, str]:
        folder = self.root / "sound" / kind
        folder.mkdir(parents=True, exist_ok=True)
        paths = {}
        time = np.arange(int(seconds * self.rate)) / self.rate
        noise = np.random.default_rng(0).normal(size=len(time))
        share = {"clean": 0.0, "noisy": 1.0}.get(kind, 0.3)
        sound = np.sin(2 * np.pi * 1000 * time) + share * noise
        sound *= LEVELS[kind.split()[0]] / np.sqrt(np.mean(sound**2))
        for place, utterance in enumerate(utterances):
            path = folder / f"{place}.wav"
            soundfile.write(path, sound, self.rate, subtype="FLOAT")
            paths[utterance] = str(path)
        return paths


def write_table(path: Path, table: dict[str, object]) -> None:
    """Write lines of ``<key> <value>`` in C order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = sorted(table.items(), key=lambda item: item[0].encode())
    text = "".join(f"{key} {value}".rstrip() + "\n" for key, value in ordered)
    path.write_bytes(text.encode("utf-8"))
