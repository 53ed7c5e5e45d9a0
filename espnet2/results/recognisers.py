"""What several recognisers make of the same speech: noisy, enhanced, mixed, clean.

``<experiment>/recognisers/<name>/<heard>/<set>`` is a decoded and scored set. ``heard``
is noisy, enhanced or clean; ``share_<x>`` is enhanced speech with a share of the noisy
speech (``tried_<x>`` of the validation set, by which a share is chosen). The joint
model's own recogniser is called ``own``.
"""

from pathlib import Path
from typing import NamedTuple

from espnet2.data_dir.tables import DataError
from espnet2.results.alignment import Counts, read_counts

FOLDER, OWN = "recognisers", "own"
SHARE, TRIED = "share_", "tried_"


class Listener(NamedTuple):
    """One recogniser on one set, with one share of noisy speech ("" of none).

    Attributes:
        folders: noisy, enhanced (with the share, if any) and clean -> decoded set, of
            those that are there.
    """

    name: str
    share: str
    set_name: str
    folders: dict[str, Path]

    @property
    def kind(self) -> str:
        """Whether the joint training knew it."""
        return "seen" if self.name == OWN else "unseen"

    def counts(self, heard: str, score: str) -> Counts | None:
        """Return the "wer" or "cer" counts of what was heard, None if not scored."""
        path = self.folders.get(heard, Path("none")) / f"score_{score}" / "score.json"
        return read_counts(path) if path.exists() else None


def find_listeners(exp: Path) -> list[Listener]:
    """Return the recognisers of an experiment, set by set, its own one first."""
    found = []
    for name in exp.glob(f"{FOLDER}/*/"):
        sets = {path.name for path in name.glob("noisy/*/")}
        for heard in name.glob("*/"):
            share = "" if heard.name == "enhanced" else heard.name.removeprefix(SHARE)
            if heard.name != "enhanced" and share == heard.name:
                continue
            found += [_listener(name, heard, share, one) for one in sets]
    there = (listener for listener in found if "enhanced" in listener.folders)
    return sorted(there, key=lambda x: (x.set_name, x.name != OWN, x.name, x.share))


def _listener(folder: Path, heard: Path, share: str, set_name: str) -> Listener:
    sides = {"noisy": "noisy", "enhanced": heard.name, "clean": "clean"}
    folders = {side: folder / part / set_name for side, part in sides.items()}
    there = {side: path for side, path in folders.items() if path.is_dir()}
    return Listener(folder.name, share, set_name, there)


def tried_shares(recogniser: Path) -> dict[str, Counts]:
    """Return share -> word counts on the validation set, in ascending order."""
    paths = recogniser.glob(f"{TRIED}*/*/score_wer/score.json")
    found = {path.parts[-4].removeprefix(TRIED): read_counts(path) for path in paths}
    return dict(sorted(found.items(), key=lambda pair: float(pair[0])))


def best_share(tried: dict[str, Counts]) -> str:
    """Return the share with the fewest word errors; of equals the smallest.

    Raises:
        DataError: none was tried.
    """
    if not tried:
        raise DataError("no share of noisy speech was tried; run stage 14")
    return min(tried, key=lambda share: (tried[share].errors, float(share)))
