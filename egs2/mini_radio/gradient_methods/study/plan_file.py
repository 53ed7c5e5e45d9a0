"""Read a comparison from its YAML file and check it.

It may name another plan that it is ``based_on``, whose keys hold where it has none, as
a training config may. A method, or flags of one, may then be a name from that plan's
``methods``.
``method_args`` are added to the flags of every method.
"""

import re
from pathlib import Path

import yaml

from study.plan import Condition, Plan, RunMaker

KEYS = {
    "recipe_folder": str,
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
CONDITIONS = (
    *({"corpus"}, {"corpus", "recipe"}, {"corpus", "trained_on"}),
    *({"corpus", "start_corpus"}, {"corpus", "start_model"}),
)
METHODS = ({"args"}, {"first", "args"}, {"asr_alone"})


def read_plan(path: Path) -> Plan:
    """Return the plan of a YAML file.

    Raises:
        ValueError: a key is missing, unknown or of the wrong type.
    """
    conf = _read_conf(path)
    _check_keys(path, conf)
    recipe = Path(conf["recipe_folder"])
    conditions: dict[str, Condition] = {}
    for name, words in conf["conditions"].items():
        condition = _condition(path, name, words, conditions)
        conditions[name] = condition._replace(recipe_folder=recipe)
    for name, method in conf["methods"].items():
        _check_mapping(path, f"methods: {name}", method, METHODS)
    configs = [_read_yaml(Path(conf[key])) for key in ("base_config", "decode_config")]
    make = RunMaker(configs, conf["common_args"], conf["start"])
    runs = [
        make.run(condition, name, seed, method)
        for seed in conf["seeds"]
        for condition in conditions.values()
        for name, method in conf["methods"].items()
    ]
    plain = {key: conf[key] for key in Plan._fields if KEYS.get(key) is str}
    return Plan(
        **plain, conditions=list(conditions), methods=list(conf["methods"]), runs=runs
    )


def _read_conf(path: Path) -> dict:
    """Return a plan's keys over those of its base, the methods as mappings."""
    conf = _read_yaml(path)
    base = conf.pop("based_on", None)
    model = _read_conf(path.with_name(str(base))) if base else {}
    more = conf.pop("method_args", "")
    methods = conf.get("methods")
    if isinstance(methods, dict):
        known = model.get("methods", {})
        conf["methods"] = {n: _expand(m, known, more) for n, m in methods.items()}
    return {**model, **conf}


def _expand(method: object, known: dict[str, dict], more: str) -> object:
    """Return a method as a mapping, with flags in place of names of known methods."""
    if isinstance(method, str):
        method = known.get(method, {"args": method})
    if not isinstance(method, dict):
        return method
    flags = {
        key: known[text].get(key, text) if text in known else text
        for key, text in method.items()
    }
    return {k: f"{v} {more}" if more and k != "first" else v for k, v in flags.items()}


def _read_yaml(path: Path) -> dict:
    # Not espnet2.plain_data's: Snakemake's environment, which reads plans, has no
    # ESPnet, without which nothing of espnet2 can be imported.
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: holds no keys; expected lines like 'key: value'")
    return content


def _check_keys(path: Path, conf: dict) -> None:
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


def _condition(
    path: Path, name: str, conf: dict, others: dict[str, Condition]
) -> Condition:
    _check_mapping(path, f"conditions: {name}", conf, CONDITIONS)
    if "trained_on" not in conf:
        start = {key: conf.get(key, "") for key in ("start_corpus", "start_model")}
        if not (path.parent.parent / start["start_model"]).exists():
            raise ValueError(
                f"{path}: conditions: {name}: start_model: there is no file "
                f"{start['start_model']}"
            )
        return Condition(name, conf["corpus"], conf.get("recipe", ""), **start)
    trained_on = others.get(conf["trained_on"])
    if trained_on is None or trained_on.trained_on is not None:
        raise ValueError(
            f"{path}: conditions: {name}: trained_on: {conf['trained_on']!r}: expected "
            "a condition above it with a training of its own"
        )
    return Condition(name, conf["corpus"], trained_on.recipe, trained_on)


def _check_mapping(path: Path, place: str, conf: dict, forms: tuple) -> None:
    if not re.fullmatch(r"[\w.-]+", place.split(": ", 1)[1], re.ASCII):
        raise ValueError(f"{path}: {place}: a name has letters, digits and _ . - only")
    if not isinstance(conf, dict) or set(conf) not in forms:
        known = " or ".join(", ".join(sorted(form)) for form in forms)
        raise ValueError(f"{path}: {place}: {conf!r}: expected the keys {known}")
    for key, flags in conf.items():
        if not isinstance(flags, str):
            raise ValueError(f"{path}: {place}: {key}: {flags!r}: expected text")
