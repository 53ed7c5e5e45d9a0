"""What an experiment folder and its dump hold, and what is missing."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import yaml

from espnet2.result_page.enhancement import Scores, read_scores
from espnet2.result_page.recognition import ErrorRate, read_error_rate
from espnet2.result_page.tables import c_order, read_table

Found = TypeVar("Found")


class Decoding(NamedTuple):
    """One decoding of one set; ``rates`` may hold "wer" and "cer"."""

    tag: str
    folder: Path
    rates: dict[str, ErrorRate]


class SetResults(NamedTuple):
    """One set of one experiment: decodings, SE scores, utterance -> enhanced file."""

    decodings: list[Decoding]
    scores: dict[str, Scores]
    enhanced: dict[str, str]


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


class RawSet(NamedTuple):
    """One set of the dump: noisy and clean files, speakers, noisy scores."""

    noisy: dict[str, str]
    clean: dict[str, str]
    speakers: dict[str, str]
    scores: dict[str, Scores]


def read_experiment(path: Path, letter: str = "") -> Experiment:
    """Return all that is found in an experiment folder.

    Raises:
        ValueError: there is no such folder, or nothing of stages 12 to 15 in it.
    """
    if not path.is_dir():
        raise ValueError(f"{path}: is no folder; expected an experiment, exp/enh_asr_*")
    names = {text.parent.name for text in path.glob("*/*/text_spk1")}
    names |= {
        scp.parent.name.removeprefix("enhanced_")
        for scp in path.glob("enhanced_*/spk1.scp")
    }
    if not names:
        raise ValueError(f"{path}: has no results yet; run stages 12 to 15")
    missing: list[str] = []
    sets = {name: _read_set(path, name, missing) for name in c_order(names)}
    name = path.resolve().name
    return Experiment(letter, name, path, read_facts(path), sets, missing)


def read_facts(exp: Path) -> dict[str, str]:
    """Return config, seed and gradient_method; "unknown" where they are not said."""
    try:
        config = yaml.safe_load((exp / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        config = None
    found = config if isinstance(config, dict) else {}
    keys = ("config", "seed", "gradient_method")
    facts = {key: str(found.get(key, "unknown")) for key in keys}
    return {**facts, "config": Path(facts["config"]).name}


def _read_set(exp: Path, name: str, missing: list[str]) -> SetResults:
    texts = c_order(str(path) for path in exp.glob(f"*/{name}/text_spk1"))
    decodings = [_read_decoding(Path(text).parent, missing) for text in texts]
    if not decodings:
        missing.append(f"{exp}: {name} is not decoded: run stages 12 and 14.")
    folder = exp / f"enhanced_{name}"
    if not (folder / "spk1.scp").exists():
        missing.append(f"{exp}: {name} is not enhanced: run stages 13 and 15.")
        return SetResults(decodings, {}, {})
    enhanced = _attempt(lambda: read_table(folder / "spk1.scp"), {}, missing)
    scores = _attempt(lambda: read_scores(folder / "scoring"), {}, missing)
    if not scores:
        missing.append(
            f"{exp}: {name} has no enhancement scores: run stage 15 (which leaves "
            "real recordings out, because they have no clean reference)."
        )
    return SetResults(decodings, scores, enhanced)


def _read_decoding(folder: Path, missing: list[str]) -> Decoding:
    rates = {}
    for kind in ("wer", "cer"):
        score = folder / f"score_{kind}"
        if not (score / "score.json").exists():
            missing.append(f"{folder} has no {kind.upper()}: run stage 14.")
            continue
        rate = _attempt(lambda score=score: read_error_rate(score), None, missing)
        if rate:
            rates[kind] = rate
    return Decoding(folder.parent.name, folder, rates)


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
    tables = {}
    for file in ("wav.scp", "spk1.scp", "utt2spk"):
        tables[file] = {}
        if (folder / file).exists():
            path = folder / file
            tables[file] = _attempt(lambda path=path: read_table(path), {}, missing)
        elif file != "utt2spk":
            what = {"wav.scp": "noisy", "spk1.scp": "clean"}[file]
            missing.append(
                f"{folder / file} is not there, so there is no {what} speech to hear: "
                "stage 3 makes it; --dumpdir says where."
            )
    scores = _attempt(lambda: read_scores(folder / "scoring"), {}, missing)
    if is_scored and not scores:
        missing.append(f"{folder}: the noisy speech has no scores: run stage 15.")
    return RawSet(*tables.values(), scores)


def _attempt(read: Callable[[], Found], otherwise: Found, missing: list[str]) -> Found:
    """Return what ``read`` returns; what it complains of is said on the page."""
    try:
        return read()
    except ValueError as error:
        missing.append(f"{error}.")
        return otherwise
