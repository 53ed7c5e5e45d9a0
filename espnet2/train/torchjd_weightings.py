"""The symmetric gradient methods of torchjd, one weighting for each tensor or group.

Nothing is re-implemented: torchjd's Gramian weightings give the weights; here they are
found by name, fed with one 2x2 Gramian each, kept apart by name, and made repeatable.
"""

import functools
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torchjd.aggregation import FairGradWeighting, Weighting

from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_options import GradientConf

# Short name: torchjd's class and the options that it has no default for.
SHORT_NAMES: dict[str, tuple[str, dict[str, float]]] = {
    "pcgrad": ("PCGradWeighting", {}),
    "gradvac": ("GradVacWeighting", {}),
    "cagrad": ("CAGradWeighting", {"c": 0.5}),
    "mgda": ("MGDAWeighting", {}),
    "imtlg": ("IMTLGWeighting", {}),
    "upgrad": ("UPGradWeighting", {}),
    "aligned_mtl": ("AlignedMTLWeighting", {}),
    "fairgrad": ("FairGradWeighting", {"alpha": 1.0}),
}


def weighting_class(name: str) -> type[Weighting]:
    """Return torchjd's class of a short name or of a dotted path.

    Raises:
        ValueError: there is no such class, or it does not work on Gramians.
    """
    if name in SHORT_NAMES:
        name = f"torchjd.aggregation.{SHORT_NAMES[name][0]}"
    try:
        found = pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"gradient_method: {name}: {error}") from error
    if not (inspect.isclass(found) and issubclass(found, Weighting)):
        raise ValueError(f"gradient_method: {name} is no torchjd Weighting class")
    if "matrix" in inspect.signature(found.forward).parameters:
        raise ValueError(
            f"gradient_method: {name} works on the whole Jacobian; only weightings of "
            "the Gramian can be used, such as torchjd.aggregation.DualProjWeighting"
        )
    return found


def build_weighting(name: str, options: dict) -> Weighting:
    """Return a new weighting; lists among ``options`` become float64 tensors.

    Raises:
        ValueError: the class does not take these options, or a package is missing.
    """
    options = {**SHORT_NAMES.get(name, ("", {}))[1], **options}
    tensors = {
        key: torch.tensor(value, dtype=torch.float64)
        for key, value in options.items()
        if isinstance(value, list)
    }
    found = weighting_class(name)
    try:
        return found(**{**options, **tensors})
    except (TypeError, ValueError, ImportError) as error:
        raise ValueError(
            f"gradient_method: {name} with weighting_conf: {options}: {error}"
        ) from error


def weigh_normalised(weighting: Weighting, gramian: Tensor) -> Tensor:
    """Return a weighting's weights (2,) of a Gramian (2, 2), whatever its scale.

    The weights of torchjd's methods do not depend on the scale of the gradients, but
    FairGrad's: they solve G w = w^(-1/alpha) (arXiv 2402.15638, eq. 4), so that
    w(t G) = t^(-alpha / (1 + alpha)) w(G). A class from elsewhere may do as it likes:
    it is given the Gramian as it is.
    """
    if not type(weighting).__module__.startswith("torchjd."):
        return weighting(gramian)
    trace = gramian.trace()
    weights = weighting(gramian / trace)
    if isinstance(weighting, FairGradWeighting):
        return weights * trace ** (-weighting.alpha / (1 + weighting.alpha))
    return weights


class NamedWeightings:
    """Weights of many pairs of gradients, each from its own torchjd weighting.

    A weighting may keep a state (GradVac's moving averages), hence one for each name.
    Random numbers (PCGrad's orders) come from a stream of their own that depends on the
    seed and the number of steps alone: ranks agree, and a resumed run goes on as it
    would have. The Gramians are copied to the CPU: one host synchronisation a step.

    torchjd is given each Gramian over its trace, since some of its thresholds are
    absolute: below them CAGrad's weights are (0, 0), which deletes both gradients.

    Args:
        build: makes a new weighting.
        seed: of the random numbers.
    """

    def __init__(self, build: Callable[[], Weighting], seed: int) -> None:
        self.seed = seed
        self.steps = 0
        self.weightings = defaultdict(build)

    def __call__(self, gramians: Tensor, names: list[str]) -> Tensor:
        """Return weights (n, 2) of the Gramians (n, 2, 2), both float64.

        Where one of the two gradients is zero the weights are (1, 1), where one is not
        finite they are nan; torchjd is not asked.
        """
        on_cpu = gramians.detach().cpu()
        weights = torch.ones(len(on_cpu), 2, dtype=torch.float64)
        finite = on_cpu.isfinite().all(-1).all(-1)
        weights[~finite] = torch.nan
        usable = finite & (on_cpu.diagonal(dim1=-2, dim2=-1) > 0).all(-1)
        self.steps += 1
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed + self.steps)
            for index in usable.nonzero().flatten().tolist():
                weighting, gramian = self.weightings[names[index]], on_cpu[index]
                weights[index] = weigh_normalised(weighting, gramian)
        return weights.to(gramians.device)

    def state_dict(self) -> dict:
        """Return the number of steps and the state of every weighting that has one."""
        states = {
            name: {key: value.clone() for key, value in weighting.named_buffers()}
            for name, weighting in self.weightings.items()
        }
        return {"steps": self.steps, "states": {k: v for k, v in states.items() if v}}

    def load_state_dict(self, state: dict) -> None:
        """Go on from what ``state_dict`` returned."""
        self.steps = state["steps"]
        self.weightings.clear()
        for name, buffers in state["states"].items():
            weighting = self.weightings[name]
            # Its buffers exist only after a first call.
            with torch.random.fork_rng(devices=[]):
                weighting(torch.eye(2, dtype=torch.float64))
            for key, value in buffers.items():
                setattr(weighting, key, value.clone())


class TorchJDMethod(GradientMethod):
    """A weighting of torchjd, by its short name or path: see ``NamedWeightings``."""

    is_configurable: ClassVar[bool] = True

    def __init__(self, name: str, conf: GradientConf, seed: int = 0) -> None:
        super().__init__(name, conf, seed)
        build = functools.partial(build_weighting, name, conf.weighting_conf)
        build()  # so that wrong options are told before the training begins
        self.weightings = NamedWeightings(build, seed)

    def weigh(self, gramians: Tensor, names: list[str]) -> Tensor:
        """Return torchjd's weights."""
        return self.weightings(gramians, names)

    def state(self) -> Mapping[str, Any]:
        """Return the base's parts and the weightings."""
        return {**super().state(), "weightings": self.weightings}
