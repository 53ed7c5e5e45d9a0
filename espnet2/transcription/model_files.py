"""Open a trained joint model without running what a stranger put into its files.

A checkpoint is a pickle, which can run any program when it is read, and upstream reads
checkpoints with ``weights_only=False``. Its joint task also evaluates the names in
``subtask_series`` of config.yaml as Python, and its unpacking follows the paths that an
archive names. Here each of them is checked before upstream sees it.
"""

import contextlib
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import yaml

from espnet2.main_funcs.pack_funcs import unpack
from espnet2.plain_data import AVERAGED_MODEL, read_weights, read_yaml


class ModelFiles(NamedTuple):
    """Checked files of a model; the language model's are None where it has none."""

    config: Path
    weights: Path
    lm_config: Path | None
    lm_weights: Path | None


@contextlib.contextmanager
def model_files(path: Path) -> Iterator[ModelFiles]:
    """Give the checked files of a model; what is unpacked is removed in the end.

    Args:
        path: an experiment folder (config.yaml and valid.acc.ave.pth), a packed .zip,
            or the folder of an unpacked one (with meta.yaml).

    Raises:
        ValueError: something is missing, damaged or not safe to read.
    """
    with tempfile.TemporaryDirectory() as folder:
        if path.is_file():
            path = unpack_zip(path, Path(folder, "unpacked"))
        files = named_files(path)
        for weights in (files.weights, files.lm_weights):
            if weights is not None:
                read_weights(weights)
        config = read_yaml(files.config)
        check_joint(config, files.config)
        located = Path(folder, "config.yaml")
        text = yaml.safe_dump(located_config(config, files.config, path))
        located.write_text(text, encoding="utf-8")
        yield files._replace(config=located)


def check_joint(config: dict, path: Path) -> None:
    """Raise ValueError unless the config that ``path`` holds is of a joint model."""
    if config.get("subtask_series") != ["enh", "asr"]:
        raise ValueError(
            f"{path}: subtask_series: expected [enh, asr], of a joint model"
        )


def unpack_zip(archive: Path, target: Path) -> Path:
    """Unpack into ``target``, which is returned; no file may land outside of it."""
    try:
        with zipfile.ZipFile(archive) as file:
            names = file.namelist()
    except zipfile.BadZipFile as error:
        raise ValueError(f"{archive}: is not a packed model: {error}") from None
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"{archive}: {name!r} lies outside the archive; not read")
    if "meta.yaml" not in names:
        raise ValueError(f"{archive}: has no meta.yaml; stage 16 packs a model")
    unpack(archive, target, use_cache=False)
    return target


def named_files(
    folder: Path, task: str = "enh_s2t", weights: str = AVERAGED_MODEL
) -> ModelFiles:
    """Return what ``meta.yaml`` names, or the files of an experiment folder.

    ``task`` is what a pack calls its model: enh_s2t or asr. ``weights`` names the
    parameters' file in an experiment folder.
    """
    meta = folder / "meta.yaml"
    if not meta.exists():
        for name in ("config.yaml", weights):
            if not (folder / name).is_file():
                raise ValueError(f"{folder / name}: is missing; training makes it")
        return ModelFiles(folder / "config.yaml", folder / weights, None, None)
    content = read_yaml(meta)
    named = {**content.get("yaml_files", {}), **content.get("files", {})}
    keys = (f"{task}_train_config", f"{task}_model_file", "lm_train_config", "lm_file")
    paths = [folder / named[key] if key in named else None for key in keys]
    if None in paths[:2]:
        raise ValueError(f"{meta}: is of another task, it names no {keys[0]}")
    for path in paths:
        if path is not None and not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{meta}: {path} lies outside the model's folder")
        if path is not None and not path.is_file():
            raise ValueError(f"{meta}: {path} is missing")
    return ModelFiles(*paths)


def located_config(config: dict, path: Path, folder: Path) -> dict:
    """Return the config that ``path`` holds with its files as absolute paths, checked.

    Relative ones are looked up in ``folder`` if it is an unpacked model, else in the
    current folder and in the recipe's, where the training ran.
    """
    if config.get("use_adapter"):
        raise ValueError(f"{path}: use_adapter: models with adapters are not supported")
    roots = [folder]
    if not (folder / "meta.yaml").exists():
        depth = len(Path(str(config.get("output_dir", "."))).parts)
        above = [folder.resolve(), *folder.resolve().parents]
        roots = [Path.cwd(), *above[depth : depth + 1]]  # none of an absolute one
    # Where the config names files that building the model reads.
    normalize = config.get("normalize_conf") or {}
    places = [(config, "token_list"), (config, "bpemodel"), (normalize, "stats_file")]
    s3prl = (config.get("frontend_conf") or {}).get("frontend_conf") or {}
    if str(s3prl.get("upstream")).endswith("_local"):
        places.append((s3prl, "path_or_url"))
    for section, key in places:
        if isinstance(section.get(key), str):
            section[key] = str(_locate(section[key], roots, f"{path}: {key}"))
    return config


def _locate(name: str, roots: list[Path], place: str) -> Path:
    for root in roots:
        if (root / name).exists():
            return (root / name).absolute()
    looked = ", ".join(map(str, roots))
    raise ValueError(f"{place}: {name} is missing (looked in {looked})")
