"""What an experiment folder and its dump hold, and what is missing."""

import glob
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from espnet2.data_dir.tables import DataError, Table
from espnet2.results.enhancement import ENH_TAG, Scores, read_scores
from espnet2.results.facts import read_facts
from espnet2.results.recognition import ErrorRate, read_error_rate
from espnet2.results.tables import read_scored

Found = TypeVar("Found")


class SetResults(NamedTuple):
    """One set of one experiment.

    Attributes:
        decodings: tag -> its error rates, which may be of "wer" and "cer".
        scores: of the enhanced speech.
        enhanced: utterance -> file.
    """

    decodings: dict[str, dict[str, ErrorRate]]
    scores: dict[str, Scores]
    enhanced: Table


class RawSet(NamedTuple):
    """One set of the dump: noisy and clean files, speakers, noisy scores."""

    noisy: Table
    clean: Table
    speakers: Table
    scores: dict[str, Scores]


class Experiment(NamedTuple):
    """One experiment.

    Attributes:
        letter: names it on the page; "" if it is the only one.
        name: of its folder.
        facts: what its config.yaml says: config, seed, gradient_method.
        sets: set -> its results.
        missing: a sentence for each part that is not there.
    """

    letter: str
    name: str
    path: Path
    facts: dict[str, str]
    sets: dict[str, SetResults]
    missing: list[str]

    def results(self, set_name: str) -> SetResults:
        """Return what there is of a set; it may be nothing at all."""
        return self.sets.get(set_name) or SetResults({}, {}, {})


def read_experiment(path: Path, letter: str = "", enh_tag: str = ENH_TAG) -> Experiment:
    """Return all that is found in an experiment folder.

    Args:
        path: of the folder.
        letter: that names it on a page.
        enh_tag: how the names of its folders of enhanced speech begin.

    Raises:
        DataError: there is no such folder, or nothing of stages 12 to 15 in it.
    """
    if not path.is_dir():
        raise DataError(f"{path}: is no folder; expected an experiment, exp/enh_asr_*")
    names = {text.parent.name for text in path.glob("*/*/text_spk1")}
    names |= {
        scp.parent.name.removeprefix(f"{enh_tag}_")
        for scp in path.glob(f"{glob.escape(enh_tag)}_*/spk1.scp")
    }
    if not names:
        raise DataError(f"{path}: has no results yet; run stages 12 to 15")
    missing: list[str] = []
    enhanced = {name: path / f"{enh_tag}_{name}" for name in sorted(names)}
    sets = {n: _read_set(path, n, folder, missing) for n, folder in enhanced.items()}
    name = path.resolve().name
    return Experiment(letter, name, path, read_facts(path), sets, missing)


def _read_set(exp: Path, name: str, folder: Path, missing: list[str]) -> SetResults:
    texts = sorted(exp.glob(f"*/{name}/text_spk1"), key=str)
    decodings = {text.parts[-3]: _read_decoding(text.parent, missing) for text in texts}
    if not decodings:
        missing.append(f"{exp}: {name} is not decoded: run stages 12 and 14.")
    if not (folder / "spk1.scp").exists():
        missing.append(f"{exp}: {name} is not enhanced: run stages 13 and 15.")
        return SetResults(decodings, {}, {})
    enhanced = _attempt(read_scored, folder / "spk1.scp", missing)
    scores = _attempt(read_scores, folder / "scoring", missing)
    if not scores:
        missing.append(
            f"{exp}: {name} has no enhancement scores: run stage 15 (which leaves "
            "real recordings out, because they have no clean reference)."
        )
    return SetResults(decodings, scores, enhanced)


def _read_decoding(folder: Path, missing: list[str]) -> dict[str, ErrorRate]:
    rates = {}
    for kind in ("wer", "cer"):
        score = folder / f"score_{kind}"
        if (score / "score.json").exists():
            rates[kind] = _attempt(read_error_rate, score, missing)
        else:
            missing.append(f"{folder} has no {kind.upper()}: run stage 14.")
    return {kind: rate for kind, rate in rates.items() if rate}


def read_raw_set(
    dumpdir: Path, name: str, is_scored: bool, missing: list[str]
) -> RawSet:
    """Return one set of ``<dumpdir>/raw``; what is not there is empty and said.

    Args:
        dumpdir: the recipe's ``dump``.
        name: of the set.
        is_scored: whether the enhanced speech of the set has scores.
        missing: the sentences, to which it adds.
    """
    folder = dumpdir / "raw" / name
    tables: list[Table] = []
    for file, what in (("wav.scp", "noisy"), ("spk1.scp", "clean"), ("utt2spk", "")):
        path = folder / file
        tables.append(_attempt(read_scored, path, missing) if path.exists() else {})
        if what and not path.exists():
            missing.append(
                f"{path} is not there, so there is no {what} speech to hear: "
                "stage 3 makes it; --dumpdir says where."
            )
    scores = _attempt(read_scores, folder / "scoring", missing)
    if is_scored and not scores:
        missing.append(f"{folder}: the noisy speech has no scores: run stage 15.")
    return RawSet(*tables, scores)


def _attempt(
    read: Callable[[Path], Found], path: Path, missing: list[str]
) -> Found | dict:
    """Return what ``read`` returns, {} if it complains; that is said on the page."""
    try:
        return read(path)
    except (DataError, OSError) as error:
        missing.append(f"{error}.")
        return {}
