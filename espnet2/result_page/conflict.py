"""The gradients' conflict of one training: the verdict and the picture."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from espnet2.result_page.sound import data_uri
from espnet2.results.experiment import Experiment
from espnet2.results.gradient_history import read_history
from espnet2.results.gradient_picture import draw
from espnet2.results.gradient_verdict import describe, read_method


class Conflict(NamedTuple):
    """What ``espnet2.bin.gradient_report`` says and draws; the picture is a URI."""

    name: str
    verdict: list[str]
    picture: str


def read_conflict(exp: Experiment) -> Conflict:
    """Return the conflict figures of an experiment.

    Raises:
        ValueError: there is no log of gradients, or no config that fits it.
    """
    method = read_method(exp.path)
    history = read_history(exp.path)
    name = f"{exp.letter}: {exp.name}" if exp.letter else exp.name
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        draw(history, method, f"{exp.name}: {method.name}", path)
        picture = data_uri("image/png", path.read_bytes())
    verdict = describe(history, method)
    return Conflict(name, verdict, picture)
