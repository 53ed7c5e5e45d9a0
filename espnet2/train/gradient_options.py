"""Options of the gradient method: what exists, of which type, and clear errors."""

import dataclasses

from espnet2.train.gradient_remedy import check_max_stretch

METHODS = ("remedy", "sum", "asr_only")
GRANULARITIES = ("tensor", "module")


@dataclasses.dataclass(frozen=True)
class GradientConf:
    """The keys of ``gradient_conf`` and their defaults (the published method).

    Attributes:
        threshold: the paper's K; the SE gradient dominates if |G_SE| > K |G_ASR|.
        max_stretch: bound of the factor on G_ASR: null (none, as published), "dynamic"
            (sqrt(1 + r^2), r the norm ratio) or a number >= 1.
        projection: whether a conflicting SE gradient is turned to an acute angle.
        rescale: whether a dominant SE gradient is scaled down, and G_ASR up.
        granularity: "tensor" decides for each parameter tensor, as the authors' code;
            "module" once for all tensors under one prefix of ``shared_params``.
    """

    threshold: float = 5.0
    max_stretch: float | str | None = None
    projection: bool = True
    rescale: bool = True
    granularity: str = "tensor"

    def __post_init__(self) -> None:
        is_number = isinstance(self.threshold, (int, float))
        if not is_number or isinstance(self.threshold, bool) or not self.threshold > 0:
            _fail("threshold", self.threshold, "a number > 0, such as 5.0")
        for key in ("projection", "rescale"):
            if not isinstance(getattr(self, key), bool):
                _fail(key, getattr(self, key), "true or false")
        if self.granularity not in GRANULARITIES:
            _fail("granularity", self.granularity, " or ".join(GRANULARITIES))
        try:
            check_max_stretch(self.max_stretch)
        except ValueError as error:
            raise ValueError(f"gradient_conf: {error}") from None


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


def resolve_shared_params(
    prefixes: list[str], names: list[str]
) -> dict[str, list[str]]:
    """Return {prefix: names under it} for the parameters that both losses train.

    A prefix matches whole dotted components: "enh_model" matches "enh_model.x.weight",
    not "enh_model2.weight". A name under two prefixes belongs to the first.

    Raises:
        ValueError: there is no prefix, or one matches no trainable parameter.
    """
    if isinstance(prefixes, str) or not prefixes:
        raise ValueError(
            f"shared_params: {prefixes!r}: expected a list of parameter name prefixes, "
            "such as [enh_model]"
        )
    groups: dict[str, list[str]] = {}
    taken: set[str] = set()
    for prefix in prefixes:
        found = [n for n in names if n == prefix or n.startswith(f"{prefix}.")]
        if not found:
            tops = sorted({name.split(".")[0] for name in names})
            raise ValueError(
                f"shared_params: no trainable parameter is named {prefix!r} or lies "
                f"under it; top-level names are {', '.join(tops)}"
            )
        groups[prefix] = [name for name in found if name not in taken]
        taken.update(found)
    return groups
