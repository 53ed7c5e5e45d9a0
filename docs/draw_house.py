#!/usr/bin/env python3
"""Draws docs/house.svg: the rooms of espnet2, from the data folders up to the commands.

A room uses only rooms in rows below its own; ``tests/test_house.py`` holds the rows to
the imports of the code.
"""

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

# From the bottom up, a row of rooms each: name and what is in it.
ROWS = (
    {"espnet": "the installed ESPnet2, unchanged: trainer, tasks, models, inference"},
    {
        "upstream_versions": "what differs between ESPnets",
        "plain_data": "files of others, read as data",
        "data_dir": "Kaldi data folders: tables and audio",
    },
    {
        "interruptible": "checkpoints, signals, the resumable epoch",
        "enh": "the joint model and its SE loss",
        "quiet_imports": "upstream's noises, held back",
    },
    {"train": "two gradients become one: methods, window, surgery, log, trainer"},
    {
        "tasks": "the training's options and their checks",
        "results": "scores, intervals, verdicts: read and compared",
    },
    {
        "transcription": "a trained model at work on recordings",
        "result_page": "results as one HTML page",
        "radio": "corpora sent over a simulated radio link",
    },
    {"bin": "the commands"},
    {"egs2": "the recipes: stages, corpora, configs; the study"},
)
WIDTH, HEIGHT, GAP = 10.0, 0.8, 0.25
COLOURS = {"egs2": "#f3e3c7", "espnet": "#dddddd", "train": "#cfe3f5"}


def draw_row(axis: Axes, number: int, rooms: dict[str, str]) -> None:
    """Draw the rooms of a row beside each other."""
    width = (WIDTH - GAP * (len(rooms) - 1)) / len(rooms)
    for place, (room, what) in enumerate(rooms.items()):
        left, bottom = place * (width + GAP), number * (HEIGHT + GAP)
        colour = COLOURS.get(room, "#eef3e6")
        style = {"boxstyle": "round,pad=0.04", "fc": colour, "ec": "#555555"}
        axis.add_patch(FancyBboxPatch((left, bottom), width, HEIGHT, **style))
        name = room if room in ("egs2", "espnet") else f"espnet2/{room}"
        middle = {"x": left + width / 2, "ha": "center", "va": "center"}
        axis.text(y=bottom + 0.57, s=name, weight="bold", **middle)
        axis.text(y=bottom + 0.23, s=what, size=8.5, **middle)


def draw(path: Path) -> None:
    """Write the picture; a repetition writes the same bytes."""
    top = len(ROWS) * (HEIGHT + GAP)
    with matplotlib.rc_context({"svg.hashsalt": "house", "font.size": 10}):
        figure = Figure(figsize=(9, 6))
        axis = figure.add_axes((0.01, 0.01, 0.98, 0.98))
        for number, rooms in enumerate(ROWS):
            draw_row(axis, number, rooms)
        arrow = {"arrowstyle": "-|>", "lw": 2, "color": "#777777"}
        axis.annotate("", (WIDTH + 0.4, 0), (WIDTH + 0.4, top), arrowprops=arrow)
        side = {"rotation": 270, "ha": "center", "va": "center", "color": "#555555"}
        axis.text(WIDTH + 0.75, top / 2, "uses only what is below", **side)
        axis.set_xlim(-0.2, WIDTH + 1)
        axis.set_ylim(-0.2, top)
        axis.axis("off")
        figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(Path(__file__).with_name("house.svg"))
