"""Options of the gradient method: what exists, of which type, and clear errors."""

import dataclasses

from espnet2.train.gradient_remedy import check_max_stretch

GRANULARITIES = ("tensor", "module")


@dataclasses.dataclass(frozen=True)
class GradientConf:
    """The keys of ``gradient_conf`` and their defaults (the published method).

    Attributes:
        threshold: the paper's K; the SE gradient dominates if |G_SE| > K |G_ASR|.
        max_stretch: bound of the factor on G_ASR: null (none, as published), "dynamic"
            (sqrt(1 + r^2), r the norm ratio) or a number >= 1.
        projection: whether a conflicting SE gradient is turned to an acute angle.
        rescale: whether a dominant SE gradient is scaled down, and G_ASR up;
            "compress": G_SE down to K |G_ASR|, G_ASR as it is.
        granularity: "tensor" decides for each parameter tensor, as the authors' code;
            "module" once for all tensors under one prefix of ``shared_params``.
        smoothing: 0 decides by the ASR gradient of the step, as published; b in (0, 1)
            by its running mean over about 1 / (1 - b) steps, and adds along that mean
            what it adds to the ASR gradient, see ``combine``. That mean is far shorter
            than the gradient of a step, so the remedy's rescale, which compares
            lengths, looks at the latter in either case.
        per_batch: with accumulation, decide on every micro-batch's gradients by
            themselves and add the results, as the authors' code, instead of once on
            their sum.
        probe: measure and log the conflict of the two gradients also where the method
            does not look at them (sum, asr_only); training stays the same.
        weighting_conf: keyword arguments of a torchjd weighting class.
    """

    threshold: float = 5.0
    max_stretch: float | str | None = None
    projection: bool = True
    rescale: bool | str = True
    granularity: str = "tensor"
    smoothing: float = 0.0
    per_batch: bool = False
    probe: bool = False
    weighting_conf: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _is_number(self.threshold) or not self.threshold > 0:
            _fail("threshold", self.threshold, "a number > 0, such as 5.0")
        if not _is_number(self.smoothing) or not 0 <= self.smoothing < 1:
            _fail(
                "smoothing", self.smoothing, "a number from 0 to below 1, such as 0.98"
            )
        if not isinstance(self.rescale, bool) and self.rescale != "compress":
            _fail("rescale", self.rescale, "true, false or compress")
        for key in ("projection", "per_batch", "probe"):
            if not isinstance(getattr(self, key), bool):
                _fail(key, getattr(self, key), "true or false")
        if self.granularity not in GRANULARITIES:
            _fail("granularity", self.granularity, " or ".join(GRANULARITIES))
        if not isinstance(self.weighting_conf, dict):
            _fail("weighting_conf", self.weighting_conf, "a mapping such as {c: 0.4}")
        try:
            check_max_stretch(self.max_stretch)
        except ValueError as error:
            raise ValueError(f"gradient_conf: {error}") from None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _fail(key: str, value: object, expected: str) -> None:
    raise ValueError(f"gradient_conf: {key}: {value!r}: expected {expected}")


def resolve_gradient_conf(conf: dict) -> GradientConf:
    """Return ``conf`` over the defaults.

    Raises:
        ValueError: ``conf`` is not a mapping, a key is unknown or a value is wrong.
    """
    if not isinstance(conf, dict):
        raise ValueError(f"gradient_conf: {conf!r}: expected a mapping such as {{}}")
    known = [field.name for field in dataclasses.fields(GradientConf)]
    unknown = sorted(set(conf) - set(known))
    if unknown:
        raise ValueError(
            f"gradient_conf: unknown key {', '.join(map(str, unknown))}; "
            f"known are {', '.join(known)}"
        )
    return GradientConf(**conf)


def canonical_name(name: str) -> str:
    """Return a parameter's name without what wrappers add to it.

    DistributedDataParallel puts ``module.`` before it, torch.compile ``_orig_mod.``.
    """
    return name.removeprefix("module.").replace("_orig_mod.", "")


def resolve_shared_params(
    prefixes: list[str], names: list[str] | dict[str, str]
) -> dict[str, list[str]]:
    """Return {prefix: names under it} for the parameters that both losses train.

    A prefix matches whole dotted components: "enh_model" matches "enh_model.x.weight",
    not "enh_model2.weight". A name under two prefixes belongs to the first.

    Args:
        prefixes: as a user writes them.
        names: the trainable parameters' names; or {name: the name that stands for it},
            where a parameter that is shared by two modules has two.

    Raises:
        ValueError: there is no prefix, or one matches no trainable parameter.
    """
    if isinstance(prefixes, str) or not prefixes:
        raise ValueError(
            f"shared_params: {prefixes!r}: expected a list of parameter name prefixes, "
            "such as [enh_model]"
        )
    standing = names if isinstance(names, dict) else {name: name for name in names}
    groups: dict[str, list[str]] = {}
    taken: set[str] = set()
    for prefix in map(canonical_name, prefixes):
        found = [n for n in standing if n == prefix or n.startswith(f"{prefix}.")]
        if not found:
            tops = sorted({name.split(".")[0] for name in standing})
            raise ValueError(
                f"shared_params: no trainable parameter is named {prefix!r} or lies "
                f"under it; top-level names are {', '.join(tops)}"
            )
        found = list(dict.fromkeys(standing[name] for name in found))
        groups[prefix] = [name for name in found if name not in taken]
        taken.update(found)
    return groups
