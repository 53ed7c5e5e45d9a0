"""CHiME-4: its configurations, its scripts, and all stages on a fake tree."""

import subprocess
from pathlib import Path

import pytest
import soundfile
import yaml
from fake_chime4 import make_chime4, make_wsj1

from espnet2.samplers.folded_batch_sampler import FoldedBatchSampler
from espnet2.tasks.layered_config import read_config

CHIME4 = "egs2/chime4/asr_with_enhancement"
TESTS = "dt05_simu_isolated_1ch_track et05_real_isolated_1ch_track"
SMALLER = {
    "enh_encoder_conf": {"channel": 8},
    "enh_decoder_conf": {"channel": 8},
    "enh_separator_conf": {
        "layer": 1,
        "stack": 1,
        "bottleneck_dim": 8,
        "hidden_dim": 8,
    },
    "frontend_conf": {"n_mels": 20},
    "specaug_conf": {"freq_mask_width_range": [0, 4], "time_mask_width_range": [0, 4]},
    "asr_encoder_conf": {"output_size": 16, "linear_units": 16, "num_blocks": 1},
    "asr_decoder_conf": {"linear_units": 16, "num_blocks": 1},
    "scheduler_conf": {"warmup_steps": 10},
    "lm_conf": {"embed_unit": 8, "att_unit": 8, "head": 2, "unit": 8, "layer": 1},
}
BEAMFORMER = {"blayers": 1, "bunits": 8, "bprojs": 8, "badim": 8, "ref_channel": 1}
CHANNELS = (4, 5)  # of the fake tree
FEW = {
    "max_epoch": 1,
    "accum_grad": 1,
    "batch_size": 4,
    "keep_nbest_models": 1,
    "num_att_plot": 0,
    "use_matplotlib": False,
}


def config(repo_root: Path, name: str) -> dict:
    return read_config(repo_root / CHIME4 / "conf" / name)


@pytest.mark.parametrize("gpus", ["", "_2gpu"])
def test_the_methods_differ_in_one_line(repo_root, gpus):
    """And that line is all that the baseline's file says besides its base."""
    remedy = config(repo_root, f"train_gradient_remedy{gpus}.yaml")
    baseline = config(repo_root, f"train_sum{gpus}.yaml")
    assert remedy["gradient_method"] == "remedy" and len(remedy) > 30
    assert baseline == {**remedy, "gradient_method": "sum"}
    text = (repo_root / CHIME4 / f"conf/train_sum{gpus}.yaml").read_text()
    base = f"train_gradient_remedy{gpus}.yaml"
    assert yaml.safe_load(text) == {"based_on": base, "gradient_method": "sum"}


@pytest.mark.parametrize("method", ["gradient_remedy", "sum"])
def test_one_and_two_gpus_make_the_same_step(repo_root, method):
    one = config(repo_root, f"train_{method}.yaml")
    two = config(repo_root, f"train_{method}_2gpu.yaml")
    assert one["batch_size"] * one["accum_grad"] == 32
    assert two["batch_size"] * two["accum_grad"] == 32
    assert one["batch_size"] == two["batch_size"] // 2  # on each GPU
    changed = {key for key in one if one[key] != two[key]}
    assert changed == {"batch_size", "accum_grad"} and one.keys() == two.keys()


class Recipe:
    """The recipe in a folder of its own, with a db.sh that names a fake tree."""

    def __init__(self, folder: Path, repo_root: Path, env: dict[str, str]):
        self.folder = folder
        self.env = {**env, "ESPNET_PYTHON_ENV": "none"}
        folder.mkdir()
        for path in (repo_root / CHIME4).iterdir():
            if path.name not in ("data", "dump", "exp", "downloads", "db.sh"):
                (folder / path.name).symlink_to(path.resolve())

    def set_places(self, **places: Path | str) -> None:
        text = "".join(f"{name}='{path}'\n" for name, path in places.items())
        (self.folder / "db.sh").write_text(text)

    def run(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            words, cwd=self.folder, env=self.env, capture_output=True, text=True
        )


@pytest.fixture
def recipe(tmp_path, repo_root, repo_env) -> Recipe:
    return Recipe(tmp_path / "my recipe", repo_root, repo_env)


def test_unset_places_are_told_in_one_line(recipe, tmp_path):
    (tmp_path / "CHiME4/data").mkdir(parents=True)
    for places, message in [
        ({"CHIME4": "", "WSJ0": ""}, "set CHIME4 in db.sh"),
        ({"CHIME4": "nowhere", "WSJ0": ""}, "there is no folder nowhere/data"),
        ({"CHIME4": tmp_path / "CHiME4", "WSJ0": ""}, "set WSJ0 in db.sh"),
        ({"CHIME4": tmp_path / "CHiME4", "WSJ0": "no"}, "there is no folder no"),
    ]:
        recipe.set_places(**places)
        done = recipe.run("local/data.sh")
        assert done.returncode == 1
        assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_help_needs_no_corpus(recipe):
    recipe.set_places(CHIME4="", WSJ0="")
    done = recipe.run("local/data.sh", "--help")
    assert done.returncode == 0
    for option in ("chime4", "wsj1", "isolated_ext", "channels", "max_skipped"):
        assert any(
            line.startswith(f"{option}=") and "#" in line
            for line in done.stdout.splitlines()
        )


@pytest.mark.slow
def test_the_training_set_has_all_three_kinds_if_there_is_wsj1(recipe, tmp_path):
    fake = make_chime4(tmp_path / "CHiME4")
    wsj1 = make_wsj1(tmp_path / "WSJ1", fake)
    recipe.set_places(CHIME4=fake.root, WSJ0="", WSJ1=wsj1)
    done = recipe.run("local/data.sh", "--channels", "5", "--nj", "1")
    assert done.returncode == 0, done.stderr
    folder = recipe.folder / "data/tr05_multi_noisy_si284"
    kinds = [x.split() for x in (folder / "utt2category").read_text().splitlines()]
    assert {kind for _, kind in kinds} == {"SIMU", "REAL", "CLEAN"}
    assert all(key.endswith(f"_{kind}") for key, kind in kinds)
    text = (recipe.folder / "data/lm_train/text").read_text()
    assert "460_460C0201_CLEAN " in text and "wsj_lng_0000003 " in text


def smaller(repo_root: Path, name: str, target: Path) -> None:
    """Write a configuration of the recipe with small numbers in place of large."""
    whole = config(repo_root, name)
    for key, changes in SMALLER.items():
        if key in whole:
            whole[key] |= changes
    if whole.get("enh_separator") == "wpe_beamformer":
        small = {"enh_separator_conf": BEAMFORMER, "enh_encoder_conf": {}}
        for key, changes in {**small, "enh_decoder_conf": {}}.items():
            whole[key] = {**config(repo_root, name)[key], **changes}
    whole |= {key: value for key, value in FEW.items() if key in whole}
    target.write_text(yaml.safe_dump(whole))


@pytest.fixture
def small(recipe, repo_root, tmp_path) -> list[str]:
    """Options of run.sh for the fake tree, in the recipe folder made ready for it."""
    fake = make_chime4(tmp_path / "CHiME4", sentences=3, ext=True, channels=CHANNELS)
    wsj1 = make_wsj1(tmp_path / "WSJ1", fake)
    recipe.set_places(CHIME4=fake.root, WSJ0=fake.root / "data/WSJ0", WSJ1=wsj1)
    names = "gradient_remedy gradient_remedy_6ch sum lm_transformer"
    for name in (f"train_{part}" for part in names.split()):
        smaller(repo_root, f"{name}.yaml", recipe.folder / f"{name}.yaml")
    options = ["--ngpu", "0", "--nj", "1", "--inference_nj", "1"]
    options += ["--lm_config", "train_lm_transformer.yaml"]
    options += ["--local_data_opts", "--channels 5 --nj 1"]
    return [*options, "--asr_inference_args", "--beam_size 2 --maxlenratio 0.1"]


def check_results(recipe: Recipe, method: str, test_sets: str) -> Path:
    exp = recipe.folder / f"exp/enh_asr_train_{method}_raw_en_char"
    for dset in test_sets.split():
        assert dset in (exp / "RESULTS.md").read_text()
    used = yaml.safe_load((exp / "config.yaml").read_text())
    assert used["gradient_method"] == method.removeprefix("gradient_")
    return exp


@pytest.mark.slow
def test_all_stages_run_on_the_fake_tree_for_both_methods(recipe, small):
    words = ["--enh_asr_config", "train_gradient_remedy.yaml", "--test_sets", TESTS]
    done = recipe.run("./run.sh", *small, *words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    exp = check_results(recipe, "gradient_remedy", TESTS)
    scores = (exp / "RESULTS_enh.md").read_text()
    assert "dt05_simu" in scores and "et05_real" not in scores
    assert "grad_conflict=" in (exp / "train.log").read_text()
    train = recipe.folder / "dump/raw/tr05_multi_noisy_si284"
    stats = recipe.folder / "exp/enh_asr_stats_raw_en_char/train/speech_shape"
    sampler = FoldedBatchSampler(
        batch_size=4,
        shape_files=[str(stats)],
        fold_lengths=[80000],
        utt2category_file=str(train / "utt2category"),
    )
    kinds = [{key.rsplit("_", 1)[1] for key in batch} for batch in sampler]
    assert all(len(kind) == 1 for kind in kinds)
    assert set.union(*kinds) == {"SIMU", "REAL", "CLEAN"}
    # The baseline shares all but the training; its enhancement is scored no other way.
    words = ["--enh_asr_config", "train_sum.yaml", "--test_sets", TESTS.split()[1]]
    for first, last in (("11", "12"), ("14", "14")):
        some = ["--stage", first, "--stop_stage", last]
        done = recipe.run("./run.sh", *small, *words, *some)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    check_results(recipe, "sum", TESTS.split()[1])


@pytest.mark.slow
def test_a_beamformer_is_trained_and_scored_on_several_channels(recipe, small):
    """The words of run_6ch.sh, on two microphones."""
    words = ["--enh_asr_config", "train_gradient_remedy_6ch.yaml", "--use_lm", "false"]
    words += ["--local_data_opts", "--track 6ch --channels '4 5' --nj 1"]
    test = "dt05_simu_isolated_6ch_track"
    words += ["--test_sets", test, "--ref_channel", "1"]
    data = recipe.folder / "data"
    theirs = [data / name for name in ("lm_train/text", "report/summary.md")]
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of the 1-channel track\n")
    done = recipe.run("./run_6ch.sh", *small, *words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for path in theirs:
        assert path.read_text() == "of the 1-channel track\n"
    exp = recipe.folder / "exp/6ch/enh_asr_train_gradient_remedy_6ch_raw_en_6ch_char"
    used = yaml.safe_load((exp / "config.yaml").read_text())
    assert used["enh_separator"] == "wpe_beamformer"
    assert "grad_conflict=" in (exp / "train.log").read_text()
    assert test in (exp / "RESULTS.md").read_text()
    noisy = recipe.folder / f"dump/6ch/raw/{test}"
    for scp, channels in ((noisy / "wav.scp", 2), (noisy / "spk1.scp", 1)):
        line = scp.read_text().splitlines()[0]
        path = recipe.folder / line.split(maxsplit=1)[1]
        assert soundfile.info(path).channels == channels
    scores = (exp / f"enhanced_{test}/scoring/SI_SNR_spk1").read_text()
    assert len(scores.splitlines()) == 3
    assert "<audio" in (exp / "report.html").read_text()
