"""The table of the gradient methods: a line for each."""

from espnet2.train.d4am import D4AM
from espnet2.train.fixed_methods import ASROnly, Sum
from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_options import GradientConf
from espnet2.train.one_way import OneWay
from espnet2.train.remedy_method import Remedy
from espnet2.train.torchjd_weightings import SHORT_NAMES, TorchJDMethod

METHODS: dict[str, type[GradientMethod]] = {
    "remedy": Remedy,
    "sum": Sum,
    "asr_only": ASROnly,
    "one_way": OneWay,
    "d4am": D4AM,
    **dict.fromkeys(SHORT_NAMES, TorchJDMethod),
}


def method_class(name: str) -> type[GradientMethod]:
    """Return the class of a method, which says what the method needs.

    Raises:
        ValueError: ``name`` is no key of ``METHODS`` and no dotted path, as a torchjd
            weighting class has.
    """
    if name in METHODS:
        return METHODS[name]
    if "." in str(name):
        return TorchJDMethod
    raise ValueError(
        f"gradient_method: {name!r}: expected one of {', '.join(METHODS)} or "
        "the path of a torchjd weighting class, such as "
        "torchjd.aggregation.DualProjWeighting"
    )


def make_method(name: str, conf: GradientConf, seed: int = 0) -> GradientMethod:
    """Return a new method; ``seed`` is of the random numbers of torchjd's methods.

    Raises:
        ValueError: the method is unknown, or does not take the options.
    """
    return method_class(name)(name, conf, seed)
