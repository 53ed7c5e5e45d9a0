"""Folders of links, so that runs share what is made once and nothing else."""

from pathlib import Path

# What a recipe makes, and so what each condition has of its own
MADE = {"data", "downloads", "dump", "exp"}
TEST_SET = "test"
# What a test needs of a training: its model, and its figures for the row
MODEL = ("config.yaml", "*.ave.pth", "tensorboard")


def link_recipe(folder: Path) -> None:
    """Make a recipe folder that shares the scripts and configs of this one."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in Path().iterdir():
        is_script = path.suffix == ".sh" or path.is_dir()
        if is_script and path.name not in MADE:
            _link(folder / path.name, path)


def link_dump(dump: Path, own: Path) -> None:
    """Make a dump folder that shares the audio of ``dump``, but not the scores.

    Stage 15 scores the noisy speech too, into the test set's folder, where runs side
    by side would be in each other's way.
    """
    own_test = own / "raw" / TEST_SET
    own_test.mkdir(parents=True, exist_ok=True)
    for path in (dump / "raw").glob("[!.]*"):  # hidden are locks
        if path.name != TEST_SET:
            _link(own / "raw" / path.name, path)
    for path in (dump / "raw" / TEST_SET).iterdir():
        if path.name != "scoring":
            _link(own_test / path.name, path)


def has_model(experiment: Path) -> bool:
    """Whether a training has ended: then its models are averaged."""
    return any(experiment.glob("*.ave.pth"))


def link_model(experiment: Path, own: Path) -> None:
    """Make an experiment folder that tests another one's model."""
    own.mkdir(parents=True, exist_ok=True)
    for pattern in MODEL:
        for path in experiment.glob(pattern):
            _link(own / path.name, path)


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink():
        link.symlink_to(target.resolve())
