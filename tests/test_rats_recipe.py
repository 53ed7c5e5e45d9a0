"""All stages of the RATS recipe on a made-up tree: its configs with toy sizes."""

import subprocess
from pathlib import Path

import pytest
import yaml
from fake_rats import make_tree

from espnet2.tasks.layered_config import read_config

pytestmark = pytest.mark.slow

RECIPE = "egs2/rats_chA/asr_with_enhancement"
TOY = {
    "enh_encoder_conf": {"n_fft": 128, "hop_length": 64},
    "enh_decoder_conf": {"n_fft": 128, "hop_length": 64},
    "enh_separator_conf": {"layer": 1, "unit": 8},
    "frontend_conf": {"n_mels": 20},
    "asr_encoder_conf": {"output_size": 16, "linear_units": 16, "num_blocks": 1},
    "asr_decoder_conf": {"linear_units": 16, "num_blocks": 1},
    "scheduler_conf": {"warmup_steps": 5},
    "lm_conf": {"unit": 16, "nlayers": 1},
}
TOY_RUN = {
    "max_epoch": 1,
    "num_workers": 0,
    "log_interval": 1,
    "num_att_plot": 0,
    "use_matplotlib": False,
}
OPTIONS = [
    *("--ngpu", "0", "--nj", "1", "--inference_nj", "1", "--nbpe", "40"),
    *("--lm_config", "conf/toy_lm.yaml"),
    *("--asr_inference_args", "--beam_size 1 --maxlenratio -5"),  # 5 tokens at most
]


class Recipe:
    """A copy of the recipe with toy configs and a ``db.sh`` of its own."""

    def __init__(self, folder: Path, repo_root: Path, env: dict[str, str]):
        self.folder, self.env = folder, {**env, "ESPNET_PYTHON_ENV": "none"}
        truth = make_tree(folder.parent)
        (folder / "conf").mkdir(parents=True)
        for path in (repo_root / RECIPE).iterdir():
            if path.name not in ("data", "dump", "exp", "conf", "db.sh"):
                (folder / path.name).symlink_to(path.resolve())
        (folder / "db.sh").write_text(f"RATS={truth.rats}\nFISHER={truth.fisher}\n")
        for path in (repo_root / RECIPE / "conf").glob("*.yaml"):
            config = read_config(path)
            if path.name.startswith("train"):
                for key in config.keys() & TOY.keys():
                    config[key] |= TOY[key]
                config |= TOY_RUN
            name = path.name.replace("train", "toy")
            (folder / "conf" / name).write_text(yaml.safe_dump(config))

    def start(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["./run.sh", *words],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
        )

    def run(self, method: str, *words: str) -> str:
        config = ["--enh_asr_config", f"conf/toy_{method}.yaml"]
        done = self.start(*OPTIONS, *config, *words)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def exp(self, method: str) -> Path:
        return self.folder / f"exp/enh_asr_toy_{method}_raw_bpe40"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, repo_root, repo_env) -> Recipe:
    folder = tmp_path_factory.mktemp("rats") / "recipe"
    recipe = Recipe(folder, repo_root, repo_env)
    recipe.printed = recipe.run("gradient_remedy")
    return recipe


def check_results(exp: Path, **keys: str) -> None:
    config = yaml.safe_load((exp / "config.yaml").read_text())
    assert {key: config[key] for key in keys} == keys
    results = (exp / "RESULTS.md").read_text()
    assert "### WER" in results and "toy_lm" in results  # decoded with the LM


def test_every_stage_runs_to_the_results(recipe):
    for stage in range(1, 17):
        assert f"Stage {stage}: " in recipe.printed
    check_results(recipe.exp("gradient_remedy"), gradient_method="remedy")
    assert "SI_SNR" in (recipe.exp("gradient_remedy") / "RESULTS_enh.md").read_text()


def test_the_baseline_runs_from_the_same_data_and_statistics(recipe):
    recipe.run("sum", "--stage", "11", "--stop_stage", "12")
    recipe.run("sum", "--stage", "14", "--stop_stage", "14")
    check_results(recipe.exp("sum"), gradient_method="sum")


def test_the_published_system_runs_from_its_own_statistics(recipe):
    """They are of its SE network's input, and those of the other configs lack them."""
    name = "gradient_remedy_paper"
    words = [*OPTIONS, "--enh_asr_config", f"conf/toy_{name}.yaml", "--stage", "11"]
    done = recipe.start(*words, "--stop_stage", "11")
    assert done.returncode == 1
    missing = "exp/enh_asr_stats_raw_bpe40/train/enh_magnitude_stats.npz: is missing"
    assert f"{missing}; stage 10 makes it" in done.stderr
    recipe.run(name, "--stage", "10", "--stop_stage", "14")
    check_results(recipe.exp(name), enh_separator="global_mvn_blstm")
    (enhanced,) = recipe.exp(name).glob("enhanced_*/spk1.scp")
    assert len(enhanced.read_text().splitlines()) > 0
