"""What a comparison consists of: a run for each condition, method and seed."""

import hashlib
import json
import shlex
from pathlib import Path
from typing import NamedTuple, Optional

RECIPE = Path("../asr_with_enhancement")  # whose stages make the runs, by default
WORK = Path("exp")  # data and experiments of the comparison
REPORT = Path("report")  # rows, tables and pictures


class Condition(NamedTuple):
    """A corpus: options of ``local/data.sh`` and of ``run.sh``.

    With ``trained_on`` its training set is not used: the models of that condition are
    tested on its test set. With ``start_corpus`` the recogniser that all start from is
    trained on that corpus, of the same sentences and so of the same tokens.
    With ``start_model`` it is that file, of a training that was made before.
    ``recipe_folder`` is whose stages make it.
    """

    name: str
    corpus: str
    recipe: str
    trained_on: Optional["Condition"] = None
    start_corpus: str = ""
    start_model: str = ""
    recipe_folder: Path = RECIPE

    @property
    def of_start(self) -> "Condition":
        """Where the recogniser that all start from is trained."""
        if not self.start_corpus:
            return self
        return self._replace(
            name=f"{self.name}_start", corpus=self.start_corpus, start_corpus=""
        )

    @property
    def folder(self) -> Path:
        """Where its data and experiments go; another corpus, another folder."""
        return WORK / f"{self.name}_{short_hash(self.corpus_words)}"

    @property
    def recipe_words(self) -> list[str]:
        """The options of ``run.sh``."""
        return shlex.split(self.recipe)

    @property
    def corpus_words(self) -> list[str]:
        """All that defines the data."""
        words = [*shlex.split(self.corpus), "|", *self.recipe_words]
        if self.recipe_folder != RECIPE:
            words += ["|", str(self.recipe_folder)]
        return words + (["|", *self.trained_on.corpus_words] if self.trained_on else [])


class Run(NamedTuple):
    """One training with its scores.

    ``args`` are the training's flags, of upstream's ASR training if ``is_asr_alone``;
    ``start`` is the training whose model it begins with, if any: of a recogniser alone,
    or of an SE module;
    ``training`` is the run of another condition whose model is tested, if any.
    """

    condition: Condition
    name: str
    seed: int
    definition: str
    args: str
    is_asr_alone: bool = False
    start: Optional["Run"] = None
    training: Optional["Run"] = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What identifies it in ``results.tsv``."""
        return (self.condition.name, self.name, str(self.seed), self.definition)

    @property
    def label(self) -> str:
        """What a user calls it, and what ``--runs`` looks through."""
        return f"{self.condition.name}/{self.name}/{self.seed}"

    @property
    def experiment(self) -> str:
        """Its folder below the condition's."""
        return f"exp/{self.name}_seed{self.seed}_{self.definition}"

    @property
    def folder(self) -> Path:
        """Its folder below the study's."""
        return self.condition.folder / self.experiment

    @property
    def trainings(self) -> list["Run"]:
        """What is trained for it, one after the other; the last is its own model's."""
        own = self.training or self
        return [*(own.start.trainings if own.start else []), own]


class Plan(NamedTuple):
    """The whole comparison; ``runs`` go seed by seed, so that all methods advance."""

    base_config: str
    decode_config: str
    baseline: str
    common_args: str
    conditions: list[str]
    methods: list[str]
    runs: list[Run]


class RunMaker(NamedTuple):
    """Makes runs of what all of them share: configs and flags."""

    configs: list[dict]
    common_args: str
    start: str

    def run(self, condition: Condition, name: str, seed: int, method: dict) -> Run:
        """Return a run; the keys of ``method`` are one of `plan_file.METHODS`."""
        words = {key: shlex.split(flags) for key, flags in method.items()}
        common = shlex.split(self.common_args)
        content = [*self.configs, common, condition.corpus_words, words]
        origin = condition.trained_on or condition
        start = self.start_of(origin.of_start) if self.start else None
        if start is not None:
            content.append(start.definition)
        elif origin.start_model:
            content.append(
                hashlib.sha256(Path(origin.start_model).read_bytes()).hexdigest()
            )
        definition = short_hash(content)
        if "first" in method:  # a run that all methods with these flags share
            start = self.run(origin, "first", seed, {"args": method["first"]})
        is_asr_alone = "asr_alone" in method
        args = f"{self.common_args} {method['asr_alone' if is_asr_alone else 'args']}"
        run = Run(condition, name, seed, definition, args, is_asr_alone, start)
        if origin is condition:
            return run
        return run._replace(training=self.run(origin, name, seed, method))

    def start_of(self, condition: Condition) -> Run:
        """Return the training of the recogniser that all runs begin with."""
        words = shlex.split(self.start)
        definition = short_hash([*self.configs, condition.corpus_words, words])
        return Run(condition, "start", 0, definition, self.start, is_asr_alone=True)


def short_hash(content: object) -> str:
    """Return 8 hexadecimal digits that depend on the content alone."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
