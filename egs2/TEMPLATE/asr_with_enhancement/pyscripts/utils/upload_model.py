#!/usr/bin/env python3
"""Uploads a packed model and its card to Hugging Face; without a token only says what.

The zip is unpacked first, so that its files can be looked at and loaded one by one. The
token is the one of ``hf auth login`` or of HF_TOKEN; it is never printed.
"""

import argparse
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from espnet2.data_dir.tables import DataError, run_cli


def main(cmd: Sequence[str]) -> None:
    """Upload one model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repo", required=True, help="<user>/<name> on Hugging Face")
    parser.add_argument("--packed", type=Path, required=True, help="zip of stage 16")
    parser.add_argument("--card", type=Path, required=True, help="by model_card.py")
    args = parser.parse_args(cmd)
    if len([part for part in args.repo.split("/") if part]) != 2:
        raise DataError(f"--repo {args.repo}: expected <user>/<name>")
    with tempfile.TemporaryDirectory() as folder:
        unpack(args.packed, Path(folder))
        shutil.copyfile(args.card, Path(folder, "README.md"))
        upload(Path(folder), args.repo, find_token())


def unpack(packed: Path, folder: Path) -> None:
    """Unpack a zip into ``folder``; entries that lie outside of it are an error."""
    try:
        with zipfile.ZipFile(packed) as archive:
            for name in archive.namelist():
                path = PurePosixPath(name)
                if path.is_absolute() or ".." in path.parts:
                    raise DataError(f"{packed}: {name!r} lies outside of the zip")
            archive.extractall(folder)
    except zipfile.BadZipFile as error:
        raise DataError(f"{packed}: is no zip: {error}; run stage 16") from None


def find_token() -> str | None:
    """Return the user's token, None without one or without ``huggingface_hub``."""
    try:
        import huggingface_hub
    except ImportError:
        print("huggingface_hub is not installed: pip install huggingface_hub")
        return None
    return huggingface_hub.get_token()


def upload(
    folder: Path,
    repo: str,
    token: str | None,
    make_api: Callable | None = None,
) -> None:
    """Upload all files of ``folder``; without a token list them.

    A ``repo`` that is not there is made, as the account's default; ``make_api`` gives
    an object with the methods of ``huggingface_hub.HfApi``.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if token is None:
        print(f"Dry run, because there is no token (hf auth login): {repo} would get")
        for path in files:
            print(f"{path.stat().st_size:>12} {path.relative_to(folder)}")
        return
    if make_api is None:
        from huggingface_hub import HfApi as make_api
    api = make_api(token=token)
    try:
        url = api.create_repo(repo, exist_ok=True)
        api.upload_folder(
            repo_id=repo, folder_path=folder, commit_message="Add a model"
        )
    except Exception as error:  # the library's own, of the network and of its service
        message = str(error).replace(token, "<token>")
        raise DataError(f"{repo}: the upload failed: {message}") from None
    print(f"Uploaded {len(files)} files: {url}")


if __name__ == "__main__":
    run_cli(main)
