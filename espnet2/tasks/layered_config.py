"""Training configs that say only what differs from another one."""

from pathlib import Path

from espnet2.plain_data import read_mapping

BASE_KEY = "based_on"


def read_config(path: Path, above: tuple[Path, ...] = ()) -> dict:
    """Return the keys of a YAML file over those of the one that it is based on.

    ``based_on: train.yaml`` names a file beside it, whose keys hold where this one
    has none; the key itself is not returned.

    Args:
        path: of the file.
        above: the files that are based on it.

    Raises:
        ValueError: the file, or the one it is based on, is no config; the message does
            not name ``path``.
    """
    config = read_mapping(path)
    base = config.pop(BASE_KEY, None)
    if base is None:
        return config
    base_path = path.with_name(str(base))
    if base_path in (path, *above) or not base_path.is_file():
        raise ValueError(f"{BASE_KEY}: {base}: is no other file beside this one")
    try:
        return {**read_config(base_path, (path, *above)), **config}
    except ValueError as error:
        raise ValueError(f"{BASE_KEY}: {base}: {error}") from None
