"""Every shell command of the README and of its guides runs, on the toy corpus."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from test_docs import blocks
from test_toy_recipe import MINI_RADIO, Recipe

pytest.importorskip("espeakng_loader", reason="espeakng-loader speaks the toy corpus")
pytestmark = pytest.mark.slow

GUIDES = ("README.md", "methods.md", "recipes.md", "own_data.md")
OWN_DATA = Path(__file__).parent.parent / "docs/own_data.md"
NAMED = "exp/enh_asr_<config>_raw_bpe150"
EXP = Path("exp/enh_asr_train_gradient_remedy_raw_bpe40")
# The tests themselves; the demo, the page that it makes, other recognisers and models
# from elsewhere, see test_toy_recipe.py and test_take_recogniser.py.
UNSEEN = "./run.sh --stage 14 --stop_stage 15 --unseen_asr_models"
NOT_RUN = (
    "make -C tools demo",
    "make -C tools test",
    f"python -m espnet2.bin.result_page {NAMED}",
    "./run.sh --stage 12 --download_model my_model.zip",
)
FEW = {"max_epoch": 1, "log_interval": 3, "num_att_plot": 0, "use_matplotlib": False}
TOY = ["--nbpe", "40", "--nj", "1", "--inference_nj", "1"]


def commands() -> list[str]:
    """The commands of the guides' shell blocks, comments and tails left out."""
    found = [(block.id.split(":")[0], block.values[0]) for block in blocks("sh")]
    text = "\n".join(code for guide in GUIDES for page, code in found if page == guide)
    lines = (
        re.sub(r" +#.*", "", line) for line in text.replace("\\\n", "").split("\n")
    )
    lines = (line for line in lines if not line.startswith(UNSEEN))
    return [line for line in lines if line and line not in NOT_RUN]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, repo_root, repo_env) -> Recipe:
    """mini_radio up to stage 10; one epoch by its configs, which are copies."""
    clone = tmp_path_factory.mktemp("my clone")
    shutil.copytree(repo_root / "egs2/TEMPLATE", clone / "egs2/TEMPLATE", symlinks=True)
    for name in ("tools", "espnet2"):
        (clone / name).symlink_to(repo_root / name)
    (clone / MINI_RADIO).parent.mkdir()
    recipe = Recipe(clone / MINI_RADIO, repo_root, repo_env)
    path = recipe.folder / "conf/train_gradient_remedy.yaml"
    config = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**config, **FEW}))
    shutil.copy(path, path.with_name("other.yaml"))
    recipe.run("--stop_stage", "10")
    noisy = recipe.text("data/test/wav.scp").splitlines()[0].split(maxsplit=1)[1]
    shutil.copy(noisy, recipe.folder / "noisy.wav")
    return recipe


def run(recipe: Recipe, folder: Path, command: str) -> str:
    """Run a command of a guide as it stands, but for the toy's size and names."""
    options = " ".join(TOY)
    for script in ("./run.sh", "./asr_with_enhancement.sh"):
        command = command.replace(f"{script} ", f"{script} {options} ")
    command = command.replace(NAMED, str(EXP)).replace("--fs 16k", "--fs 8k")
    command = command.replace("--ngpu 1", "--ngpu 0")
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env=recipe.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, command + done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_readmes_commands_run_one_after_the_other(recipe):
    found = commands()
    assert found.pop().startswith("./asr_with_enhancement.sh ")  # below
    assert found.pop(0) == f"cd {MINI_RADIO}"
    printed = {command: run(recipe, recipe.folder, command) for command in found}
    assert len(printed) == 8
    signal = printed[f"python -m espnet2.bin.gradient_signal {NAMED}"]
    assert "|enh_model.separator.linear.0.weight|" in signal
    # A seed that is not the training's was taken for a change of its configuration.
    again = f"python -m espnet2.bin.gradient_signal {NAMED} --seed 1 --batches 2"
    assert "enh_model.separator" in run(recipe, recipe.folder, again)
    assert "--enh_asr_config" in printed["./run.sh --help"]
    (line,) = (out for command, out in printed.items() if "transcribe" in command)
    assert set(json.loads(line)) >= {"path", "text"}
    (verdict,) = (out for command, out in printed.items() if "report" in command)
    assert "conflict" in verdict
    folders = sorted(path.parent.name for path in recipe.folder.glob("exp/*/train.log"))
    assert len(folders) == 4


def test_own_data_are_four_files_for_each_set(recipe):
    clone = recipe.folder.parents[2]
    mine = clone / "egs2/mine/asr_with_enhancement"
    setup = "egs2/TEMPLATE/asr_with_enhancement/setup.sh"
    assert f"`{setup} egs2/<corpus>/asr_with_enhancement`" in OWN_DATA.read_text()
    subprocess.run([setup, str(mine.relative_to(clone))], cwd=clone, check=True)
    for name in ("train", "valid", "test"):
        (mine / "data" / name).mkdir(parents=True)
        for table in ("wav.scp", "spk1.scp", "text_spk1", "utt2spk"):
            shutil.copy(recipe.folder / "data" / name / table, mine / "data" / name)
    shutil.copy(recipe.folder / "conf/other.yaml", mine / "conf/train.yaml")
    run(recipe, mine, commands()[-1])
    (results,) = mine.glob("exp/*/RESULTS.md")
    assert "/test|6|" in results.read_text()
