"""Names that a shell would act on are names: nothing in them is run."""

import shutil
from pathlib import Path

import pytest
from small_recipe import SmallRecipe, tone_pair, write_set

TEMPLATE = "egs2/TEMPLATE/asr_with_enhancement"
FOLDER = "$(touch pwned) `touch pwned` 'q' \"p\" ;touch pwned; & | * ü #1 {x}"
PLAIN = FOLDER.replace('"', "")  # run.pl puts it in other quotes
SPEAKERS = [
    "$(touch${IFS}pwned)",
    "`touch${IFS}pwned`",
    ";touch${IFS}pwned;",
    "-n",
    "*",
    "a&b",
    "c|d",
    "it's",
    '"q"',
    "\\\\n",
    "#x",
    "~",
    "ü語",
    "..",
]


def ids(table: Path) -> list[str]:
    return [line.split()[0] for line in table.read_text().splitlines()]


@pytest.mark.slow
def test_hostile_folders_ids_and_paths_work_and_run_nothing(new_recipe, tmp_path):
    recipe = new_recipe(tmp_path / FOLDER)
    for name in ("train", "valid"):
        audio = tmp_path / f"sound of {FOLDER}"
        write_set(recipe.path(f"data/{name}"), SPEAKERS, audio)
    folders = {"dumpdir": f"dump {FOLDER}", "expdir": f"exp {PLAIN} y: z"}
    recipe.succeed(3, 14, **folders)
    found = [path for path in tmp_path.rglob("*") if "pwned" == path.name]
    assert not found and not Path("pwned").exists()
    wanted = sorted(f"{speaker}-u" for speaker in SPEAKERS)
    model = recipe.path(f"{folders['expdir']}/enh_asr_tiny")
    assert ids(model / "decoded/valid/text_spk1") == wanted
    assert ids(model / "enhanced_valid/spk1.scp") == wanted
    wavs = model / "enhanced_valid/logdir/output.1/wavs/1"
    assert sorted(path.stem for path in wavs.iterdir()) == wanted


@pytest.fixture
def recipe(new_recipe, tmp_path) -> SmallRecipe:
    recipe = new_recipe(tmp_path / "recipe")
    recipe.make_data()
    return recipe


@pytest.mark.slow
@pytest.mark.parametrize("key", ["../../../out", "/tmp/out", "x" * 250])
def test_an_id_that_is_no_file_name_is_refused(recipe, key):
    """It would be written outside of the folder, or not at all."""
    for table in recipe.path("data/train").iterdir():
        table.write_text(table.read_text().replace("train0-u", key))
    message = recipe.fail(3)
    assert f"utterance id {key}: names an audio file" in message
    assert not list(recipe.folder.parent.rglob("out*"))


def test_perturbed_audio_cannot_leave_its_folder(import_script, tmp_path):
    script = import_script(f"{TEMPLATE}/pyscripts/audio/perturb_speed.py")
    write_set(tmp_path / "data", ["s/../../../../../out"], tmp_path / "audio")
    with pytest.raises(script.DataError, match="must not have a '/'"):
        script.perturb(tmp_path / "data", tmp_path / "a/b/c/d/slow", 0.9, None)
    assert not list(tmp_path.rglob("*out*"))


@pytest.mark.slow
def test_commands_in_a_table_are_told_before_they_run(recipe):
    """Kaldi's pipes work, and are not run in silence."""
    noisy, _ = tone_pair(recipe.path("audio/train"), "0", 0)
    table = recipe.path("data/train/wav.scp")
    command = f"touch ran; cat '{noisy}' |"
    table.write_text(table.read_text().replace(str(noisy), command))
    printed = recipe.succeed(3)
    told = "data/train/wav.scp: 1 lines are commands, which are run now; the first: "
    assert f"{told}train0-u {command}" in printed
    assert recipe.path("ran").exists()
    recipe.path("ran").unlink()
    table = recipe.path("dump/raw/org/train/wav.scp")
    assert "|" not in table.read_text()


@pytest.mark.parametrize(
    ("option", "value"), [("dumpdir", "-n"), ("expdir", "a\nb"), ("expdir", "x/JOB")]
)
def test_folders_that_the_tools_would_misread_are_refused(recipe, option, value):
    message = recipe.fail(3, **{option: value})
    assert f"error: --{option} " in message and "begins with -" in message


def test_a_recipe_below_a_colon_is_refused(new_recipe, tmp_path):
    """It would be cut in two as a part of PATH."""
    recipe = new_recipe(tmp_path / "a:b")
    assert "must not have a colon" in recipe.fail(3)
    shutil.rmtree(recipe.folder)


@pytest.mark.parametrize(
    "words",
    [
        ["a b", "it's", 'x"y', "*", "~", "{a,b}", "<unk>", "a;b", "-n", "", "!x", "\\"],
        ["$(touch pwned)", "`touch pwned` \\n", "it's \" $x", "a b\\", "ü ñ", "$HOME"],
    ],
)
def test_words_reach_the_job_as_they_are(recipe, words):
    """quote_words undoes what run.pl, as Kaldi's, does to words."""
    script = '. scripts/utils/quote_words.sh; quote_words "$@"\n'
    script += 'utils/run.pl x.log python3 args.py "${quoted[@]}"\n'
    recipe.path("t.sh").write_text(script)
    recipe.path("args.py").write_text(
        "import pathlib, sys\n"
        "pathlib.Path('args').write_bytes('\\0'.join(sys.argv[1:]).encode())\n"
    )
    recipe.shell("bash", "t.sh", *words)
    assert recipe.path("args").read_bytes().decode().split("\0") == words
    assert not recipe.path("pwned").exists()
