"""One damaged file in a RATS tree: a clear message or a reported skip."""

import random
import shutil
from pathlib import Path

import pytest
from fake_rats import make_tree

from espnet2.data_dir.tables import DataError

pytestmark = pytest.mark.slow

LOCAL = "egs2/rats_chA/asr_with_enhancement/local"
KINDS = {
    "sources": "docs/source_file_info.tab",
    "sessions": "docs/retrans_fileset_info.tab",
    "speakers": "fe_03_p1_tran/doc/*.tbl",
    "transcript": "*/data/trans/*/*.txt",
    "sad": "data/*/sad/**/*.tab",
    "audio": "data/*/audio/**/*.flac",
}
DAMAGES = ("deleted", "emptied", "cut off", "overwritten")


class Tree:
    """A prepared tree whose sessions serve every case."""

    def __init__(self, folder: Path):
        self.truth = make_tree(folder)
        self.folder = folder
        self.work, self.data = folder / "work", folder / "data"
        self.texts: dict[str, tuple[str, str]] = {}
        self.sounds: dict[str, tuple[bytes, bytes]] = {}

    def remember(self, import_script) -> None:
        """Prepare the undamaged tree once."""
        if not self.texts:
            assert self.run(import_script) == ""
            self.texts, self.sounds = self.table("text"), self.read_sounds()

    def run(self, import_script) -> str:
        """Prepare and write the sets; the message of an error that is reported."""
        prepare = import_script(f"{LOCAL}/prepare_rats.py")
        sets = import_script(f"{LOCAL}/make_sets.py")
        shutil.rmtree(self.data, ignore_errors=True)
        corpora = ["--rats", self.truth.rats, "--fisher", self.truth.fisher]
        where = ["--work_dir", self.work]
        try:
            prepare.main([str(word) for word in [*corpora, *where]])
            sets.main([str(word) for word in [*where, "--data_dir", self.data]])
        except (DataError, OSError) as error:
            return str(error)
        return ""

    def table(self, name: str) -> dict[str, tuple[str, str]]:
        """Set and value by id."""
        found = {}
        for path in sorted(self.data.glob(f"*/{name}")):
            for line in path.read_text().splitlines():
                key, value = line.split(maxsplit=1)
                assert key not in found
                found[key] = (path.parent.name, value)
        return found

    def read_sounds(self) -> dict[str, tuple[bytes, bytes]]:
        tables = self.table("wav.scp"), self.table("spk1.scp")
        return {
            key: tuple(Path(table[key][1]).read_bytes() for table in tables)
            for key in tables[0]
        }


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Tree:
    return Tree(tmp_path_factory.mktemp("rats"))


def damage(path: Path, how: str, chance: random.Random) -> None:
    content = path.read_bytes()
    place = chance.randrange(len(content) // 4, 3 * len(content) // 4)
    path.unlink()
    if how == "emptied":
        path.write_bytes(b"")
    elif how == "cut off":
        path.write_bytes(content[:place])
    elif how == "overwritten":
        noise = chance.randbytes(min(100, len(content) - place))
        path.write_bytes(content[:place] + noise + content[place + len(noise) :])


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_reported_and_nothing_is_wrong(
    tree, import_script, tmp_path, kind, how
):
    tree.remember(import_script)
    chance = random.Random(f"{kind} {how}")
    files = [
        path
        for root in (tree.truth.rats / "RATS_SAD", tree.truth.fisher)
        for path in root.glob(KINDS[kind])
    ]
    path = chance.choice(sorted(files))
    backup = tmp_path / "backup"
    shutil.move(path, backup)
    try:
        shutil.copy2(backup, path)
        damage(path, how, chance)
        message = tree.run(import_script)
        if message:
            assert path.name in message or path.parent.name in message, message
            return
        assert_right(tree)
        assert_explained(tree, path)
    finally:
        path.unlink(missing_ok=True)
        shutil.move(backup, path)


def assert_right(tree: Tree) -> None:
    """What is kept has the words, the sound and the part of the RATS corpus it had."""
    for key, (name, text) in tree.table("text").items():
        assert text == tree.truth.texts[key]
        assert (name == "test") == (tree.truth.part[key] != "train")
    for key, pair in tree.read_sounds().items():
        assert pair == tree.sounds[key]
    speakers = {name: set() for name in ("train", "valid", "test")}
    for name, speaker in tree.table("utt2spk").values():
        speakers[name].add(speaker)
    assert not speakers["train"] & speakers["valid"]


def assert_explained(tree: Tree, path: Path) -> None:
    """Every utterance that is gone, and every source, is accounted for."""
    rows = (tree.work / "link_report.tsv").read_text().splitlines()
    problems = (tree.work / "problems.txt").read_text()
    dropped = (tree.work / "dropped.tsv").read_text()
    calls = set()
    for row in rows[1:]:
        fields = row.split("\t")
        status, detail = fields[-2:]
        assert status == "ok" or detail
        if status == "ok":
            calls.add((fields[3], fields[4]))
    for key in set(tree.texts) - set(tree.table("text")):
        call, side = key.split("-")[1:3]
        if (call, side) in calls:
            assert key in dropped or path.name in problems, key
    sources = {row.split("\t")[0] for row in rows[1:]}
    lost = {src_id for src_id in tree.truth.status if src_id not in sources}
    for src_id in lost:
        assert src_id in problems or path.name in problems, src_id


def test_without_any_corpus_the_message_names_db_sh(import_script, tmp_path):
    prepare = import_script(f"{LOCAL}/prepare_rats.py")
    words = ["--rats", "absent", "--fisher", "absent", "--work_dir", str(tmp_path)]
    with pytest.raises(DataError, match="RATS=absent in db.sh is not a folder"):
        prepare.main(words)
    (tmp_path / "data").mkdir()
    words[1] = str(tmp_path)
    with pytest.raises(DataError, match=r"want one folder with data/ and docs/"):
        prepare.main(words)


def test_no_usable_source_says_what_was_found(tree, import_script):
    prepare = import_script(f"{LOCAL}/prepare_rats.py")
    sets = import_script(f"{LOCAL}/make_sets.py")
    work = tree.folder / "strict"
    corpora = ["--rats", str(tree.truth.rats), "--fisher", str(tree.truth.fisher)]
    prepare.main([*corpora, "--work_dir", str(work), "--min_iou", "1.1"])
    words = ["--work_dir", str(work), "--data_dir", str(tree.folder / "none")]
    with pytest.raises(DataError, match="no utterance can be used; .*low_overlap"):
        sets.main(words)
