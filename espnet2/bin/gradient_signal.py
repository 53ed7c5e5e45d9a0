"""Say how much of a batch's two gradients is signal, and if the signals conflict.

usage: python -m espnet2.bin.gradient_signal EXP [--model 10epoch.pth] [--batches 60]

Run it from the recipe folder in which EXP was trained. It takes the gradients of
training batches at the parameters of a checkpoint, and changes nothing.
"""

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor

from espnet2.plain_data import AVERAGED_MODEL, read_weights, read_yaml
from espnet2.tasks.gradient_remedy import GradientRemedyTask
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.gradient_options import resolve_shared_params
from espnet2.train.gradient_signal import GradientSignal, SignalEstimator
from espnet2.train.gradient_surgery import named_gradients
from espnet2.train.two_gradient_module import trainable_parameters

COLUMNS = ("cos of batches", "conflict", "cos of signals", "SE signal", "ASR signal")


def load(exp: Path, model: str, seed: int) -> tuple[torch.nn.Module, object]:
    """Return the model in training mode and an iterator over training batches.

    Raises:
        ValueError: a file is missing, damaged or of another task.
    """
    config = {**read_yaml(exp / "config.yaml"), "seed": seed, "num_workers": 0}
    config["resume"] = False  # nothing is trained on, so that the seed may be another
    if "gradient_method" not in config:
        raise ValueError(f"{exp / 'config.yaml'}: is no config of this training")
    args = argparse.Namespace(**config)
    torch.manual_seed(seed)
    network = GradientRemedyTask.build_model(args)
    network.load_state_dict(read_weights(exp / model))
    factory = GradientRemedyTask.build_iter_factory(
        args=args, distributed_option=DistributedOption(), mode="train"
    )
    return network.train(), factory.build_iter(epoch=1, shuffle=True)


def shared_gradients(
    model: torch.nn.Module, parameters: dict[str, Tensor], batch: dict
) -> tuple[list[Tensor], list[Tensor]] | None:
    """Return both losses' gradients of a batch, None without an SE loss."""
    output = model(**batch)
    if output["loss_enh"] is None:
        return None
    enh = named_gradients(output["loss_enh"].sum(), parameters, retain_graph=True)
    asr = named_gradients(output["loss_asr"].sum(), parameters)
    zeros = {name: torch.zeros_like(value) for name, value in parameters.items()}
    return list({**zeros, **enh}.values()), list({**zeros, **asr}.values())


def measure(
    model: torch.nn.Module, batches: object, shared_params: list[str], number: int
) -> tuple[list[str], GradientSignal]:
    """Return the shared parameters' names and their figures over ``number`` batches."""
    trainable, names = trainable_parameters(model)
    groups = resolve_shared_params(shared_params, names)
    shared = {name: trainable[name] for group in groups.values() for name in group}
    estimator = SignalEstimator()
    for utt_id, batch in batches:
        pair = shared_gradients(model, shared, {**batch, "utt_id": utt_id})
        if pair is not None:
            estimator.add(*pair)
        if estimator.count == number:
            break
    return list(shared), estimator.estimate()


def table(names: list[str], signal: GradientSignal) -> str:
    """Return a markdown table, a row for each tensor."""
    lines = [f"|tensor|{'|'.join(COLUMNS)}|", "|---" * (1 + len(COLUMNS)) + "|"]
    for name, cosine, conflict, expected, enh, asr in zip(names, *signal, strict=True):
        cells = f"{cosine:+.2f}|{conflict:.0%}|{expected:+.2f}|{enh:.2f}|{asr:.2f}"
        lines.append(f"|{name}|{cells}|")
    return "\n".join(lines)


def main(cmd: list[str] | None = None) -> None:
    """Print the table; what cannot be read ends it with exit code 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exp", type=Path, help="experiment folder")
    parser.add_argument("--model", default=AVERAGED_MODEL, help="its checkpoint")
    parser.add_argument("--batches", type=int, default=60, help="how many, 2 or more")
    parser.add_argument("--seed", type=int, default=0, help="of batches and dropout")
    args = parser.parse_args(cmd)
    try:
        model, batches = load(args.exp, args.model, args.seed)
        shared = read_yaml(args.exp / "config.yaml")["shared_params"]
        names, signal = measure(model, batches, shared, args.batches)
    except (ValueError, OSError) as error:
        sys.exit(f"gradient_signal: error: {error}")
    print(table(names, signal))


if __name__ == "__main__":
    main()
