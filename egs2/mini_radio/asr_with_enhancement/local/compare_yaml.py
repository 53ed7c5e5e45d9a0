"""Read a comparison from its YAML file and check it."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import yaml
from compare_plan import Condition, Plan, Run, short_hash

KEYS = {
    "base_config": str,
    "decode_config": str,
    "baseline": str,
    "seeds": list,
    "start": str,
    "common_args": str,
    "conditions": dict,
    "methods": dict,
}
# What may stand in a condition and in a method: one of these sets of keys
CONDITIONS = ({"corpus"}, {"corpus", "recipe"}, {"corpus", "trained_on"})
METHODS = ({"args"}, {"first", "args"}, {"asr_alone"})


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
    conditions: dict[str, Condition] = {}
    for name, words in conf["conditions"].items():
        conditions[name] = _condition(path, name, words, conditions)
    methods = {name: _method(path, name, m) for name, m in conf["methods"].items()}
    shared = [_read_yaml(Path(conf[key])) for key in ("base_config", "decode_config")]
    read = _Reader(shared, conf["common_args"], conf["start"])
    runs = [
        read.run(condition, name, seed, method)
        for seed in conf["seeds"]
        for condition in conditions.values()
        for name, method in methods.items()
    ]
    plain = {key: conf[key] for key in Plan._fields if KEYS.get(key) is str}
    return Plan(**plain, conditions=list(conditions), methods=list(methods), runs=runs)


class _Reader(NamedTuple):
    """Makes runs of what all of them share."""

    shared: list[dict]
    common_args: str
    start: str

    def run(self, condition: Condition, name: str, seed: int, method: dict) -> Run:
        words = {key: shlex.split(flags) for key, flags in method.items()}
        common = shlex.split(self.common_args)
        content = [*self.shared, common, condition.corpus_words, words]
        origin = condition.trained_on or condition
        start = self.start_of(origin) if self.start else None
        definition = short_hash([*content, start.definition] if start else content)
        flags = {key: f"{self.common_args} {more}" for key, more in method.items()}
        if "first" in flags:  # a run that all methods with these flags share
            del flags["first"]
            start = self.run(origin, "first", seed, {"args": method["first"]})
        run = Run(condition, name, seed, definition, flags, start)
        if origin is condition:
            return run
        return run._replace(training=self.run(origin, name, seed, method))

    def start_of(self, condition: Condition) -> Run:
        words = shlex.split(self.start)
        definition = short_hash([*self.shared, condition.corpus_words, words])
        return Run(condition, "start", 0, definition, {"asr_alone": self.start})


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


def _condition(
    path: Path, name: str, conf: dict, others: dict[str, Condition]
) -> Condition:
    _check_mapping(path, f"conditions: {name}", conf, CONDITIONS)
    if "trained_on" not in conf:
        return Condition(name, conf["corpus"], conf.get("recipe", ""))
    trained_on = others.get(conf["trained_on"])
    if trained_on is None or trained_on.trained_on is not None:
        raise ValueError(
            f"{path}: conditions: {name}: trained_on: {conf['trained_on']!r}: expected "
            "a condition above it with a training of its own"
        )
    return Condition(name, conf["corpus"], trained_on.recipe, trained_on)


def _method(path: Path, name: str, conf: str | dict) -> dict[str, str]:
    method = {"args": conf} if isinstance(conf, str) else conf
    _check_mapping(path, f"methods: {name}", method, METHODS)
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
