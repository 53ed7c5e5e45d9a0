"""What a comparison's YAML asks for: a run for each condition, method and seed."""

import hashlib
import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import yaml

WORK = Path("exp/compare")  # data and experiments of the comparison
KEYS = {
    "base_config": str,
    "decode_config": str,
    "baseline": str,
    "seeds": list,
    "common_args": str,
    "conditions": dict,
    "methods": dict,
}
METHOD_FORMS = ({"args"}, {"first", "args"}, {"asr_alone"})


class Condition(NamedTuple):
    """A corpus: options of ``local/data.sh`` and of ``run.sh``."""

    name: str
    corpus: str
    recipe: str

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
        return [*shlex.split(self.corpus), "|", *self.recipe_words]


class Run(NamedTuple):
    """One training with its scores; ``method`` holds flags under METHOD_FORMS' keys."""

    condition: Condition
    name: str
    seed: int
    definition: str
    method: dict[str, str]

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


class Plan(NamedTuple):
    """The whole comparison; ``runs`` go seed by seed, so that all methods advance."""

    base_config: str
    decode_config: str
    baseline: str
    common_args: str
    conditions: list[str]
    methods: list[str]
    runs: list[Run]


def short_hash(content: object) -> str:
    """Return 8 hexadecimal digits that depend on the content alone."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def read_plan(path: Path) -> Plan:
    """Return the plan of a YAML file.

    Raises:
        ValueError: a key is missing, unknown or of the wrong type.
    """
    conf = _read_yaml(path)
    for key in sorted(conf.keys() ^ KEYS.keys()):
        problem = "is not a key of a comparison" if key in conf else "is missing"
        raise ValueError(f"{path}: {key}: {problem}; keys are {', '.join(KEYS)}")
    for key, kind in KEYS.items():
        if not isinstance(conf[key], kind) or (kind is not str and not conf[key]):
            raise ValueError(
                f"{path}: {key}: {conf[key]!r}: expected a {kind.__name__}"
            )
    if conf["baseline"] not in conf["methods"]:
        raise ValueError(f"{path}: baseline: {conf['baseline']!r}: is not in methods")
    for seed in conf["seeds"]:
        if type(seed) is not int:
            raise ValueError(f"{path}: seeds: {seed!r}: expected a whole number")
    conditions = [_condition(path, *item) for item in conf["conditions"].items()]
    methods = {name: _method(path, name, m) for name, m in conf["methods"].items()}
    shared = [_read_yaml(Path(conf[key])) for key in ("base_config", "decode_config")]
    shared.append(shlex.split(conf["common_args"]))
    runs = [
        Run(condition, name, seed, _definition(shared, condition, method), method)
        for seed in conf["seeds"]
        for condition in conditions
        for name, method in methods.items()
    ]
    plain = {key: conf[key] for key in Plan._fields if KEYS.get(key) is str}
    names = [condition.name for condition in conditions]
    return Plan(**plain, conditions=names, methods=list(methods), runs=runs)


def _definition(shared: list, condition: Condition, method: dict[str, str]) -> str:
    words = {key: shlex.split(flags) for key, flags in method.items()}
    return short_hash([*shared, condition.corpus_words, words])


def _read_yaml(path: Path) -> dict:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: holds no keys; expected lines like 'key: value'")
    return content


def _condition(path: Path, name: str, conf: dict) -> Condition:
    _check_mapping(
        path, f"conditions: {name}", conf, ({"corpus"}, {"corpus", "recipe"})
    )
    return Condition(str(name), conf["corpus"], conf.get("recipe", ""))


def _method(path: Path, name: str, conf: str | dict) -> dict[str, str]:
    method = {"args": conf} if isinstance(conf, str) else conf
    _check_mapping(path, f"methods: {name}", method, METHOD_FORMS)
    return method


def _check_mapping(path: Path, place: str, conf: dict, forms: tuple) -> None:
    if not re.fullmatch(r"[\w.-]+", place.split(": ", 1)[1], re.ASCII):
        raise ValueError(f"{path}: {place}: a name has letters, digits and _ . - only")
    if not isinstance(conf, dict) or set(conf) not in forms:
        known = " or ".join(", ".join(sorted(form)) for form in forms)
        raise ValueError(f"{path}: {place}: {conf!r}: expected the keys {known}")
    for key, flags in conf.items():
        if not isinstance(flags, str):
            raise ValueError(f"{path}: {place}: {key}: {flags!r}: expected text")
