"""The stages of mini_radio as batch jobs of Slurm, against the same on this machine."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest
import torch
from one_machine_slurm import wait_for

pytest.importorskip("espeakng_loader", reason="espeakng-loader speaks the toy corpus")
pytestmark = pytest.mark.slow

MINI_RADIO = "egs2/mini_radio/asr_with_enhancement"
TOY = "exp/enh_asr_toy"
TWO = "exp/enh_asr_two"
OPTIONS = [
    *("--local_data_opts", "--num_train 16 --num_valid 4 --num_test 1 --nj 2"),
    *("--test_sets", "valid", "--token_type", "char", "--nj", "2"),
    *("--inference_nj", "2", "--enh_asr_tag", "toy"),
    *(
        "--enh_asr_args",
        "--max_epoch 2 --batch_size 2 --num_att_plot 0 --use_matplotlib false",
    ),
]


class Recipe:
    """A copy of the recipe, run by one of the back-ends."""

    def __init__(self, folder: Path, repo_root: Path, env: dict, backend: str):
        self.folder = folder
        variables = {"ESPNET_PYTHON_ENV": "none", "cmd_backend": backend}
        self.env = {**env, **variables, "GLOO_SOCKET_IFNAME": "lo"}
        folder.mkdir()
        for path in (repo_root / MINI_RADIO).iterdir():
            if path.name not in ("data", "dump", "exp", "downloads"):
                (folder / path.name).symlink_to(path.resolve())

    def start(self, first: int, last: int, *words: str) -> subprocess.Popen:
        """Start some stages."""
        command = ["./run.sh", *OPTIONS, "--stage", str(first), "--stop_stage"]
        env = dict(self.env)
        if first == 11:
            # A local training has as many threads as cores, a job of Slurm one.
            core = str(min(os.sched_getaffinity(0)))
            command = ["taskset", "--cpu-list", core, *command]
            if env["cmd_backend"] == "slurm":
                del env["WARM_INTERPRETER"]  # Slurm stops the training itself
        return subprocess.Popen(
            [*command, str(last), *words],
            cwd=self.folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, first: int, last: int, *words: str) -> str:
        """Run some stages; return what they printed."""
        return finished(self.start(first, last, *words))

    def made(self, *folders: str) -> dict[str, bytes]:
        """What lies in the folders, but for logs."""
        files = [path for name in folders for path in (self.folder / name).rglob("*")]
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in files
            if path.is_file() and path.suffix not in (".log", ".lock", ".sh")
        }

    def parameters(self, exp: str) -> dict[str, torch.Tensor]:
        """The last epoch's parameters."""
        return torch.load(self.folder / exp / "latest.pth", weights_only=True)


def finished(process: subprocess.Popen) -> str:
    try:
        printed, _ = process.communicate(timeout=400)
    finally:
        process.kill()
    assert process.returncode == 0, printed[-5000:]
    return printed


def preempt_in_the_middle(cluster, training: subprocess.Popen, exp: Path) -> None:
    """Let a job take both nodes after the training's first step; wait for its end."""
    progress = exp / "progress.json"
    wait_for(lambda: training.poll() is not None or progress.exists(), 200)
    whole = ("--nodes=2", "--exclusive", "--output=/dev/null", "--wrap=true")
    cluster.ask("sbatch", "--partition=urgent", *whole)
    finished(training)
    log = (exp / "train.log").read_text()
    assert "# Stopped by a signal (SIGTERM; code 75), requeued" in log
    assert log.count("# Started at ") == 2
    assert log.count("Going on in epoch ") == 1


def assert_same(parameters: dict, others: dict) -> None:
    assert parameters.keys() == others.keys()
    for name, value in parameters.items():
        assert torch.equal(value, others[name]), name


@pytest.fixture(scope="module")
def local(cluster, repo_env, repo_root, tmp_path_factory) -> Recipe:
    """Everything on this machine, if it has a cluster to compare with."""
    folder = tmp_path_factory.mktemp("local") / "my recipe"
    recipe = Recipe(folder, repo_root, repo_env, "local")
    for first, last in ((1, 10), (11, 11), (12, 12)):
        recipe.run(first, last)
    return recipe


@pytest.fixture(scope="module")
def slurm(cluster, repo_env, repo_root, tmp_path_factory, local) -> Recipe:
    """Everything from stage 3 on Slurm; the training is preempted once."""
    folder = tmp_path_factory.mktemp("slurm") / "my recipe"
    recipe = Recipe(folder, repo_root, {**repo_env, **cluster.env}, "slurm")
    for name in ("data", "downloads"):
        (folder / name).symlink_to(local.folder / name)
    printed = recipe.run(3, 10)
    assert "slurm.pl: job " in printed
    training = recipe.start(11, 11)
    preempt_in_the_middle(cluster, training, folder / TOY)
    recipe.run(12, 12)
    return recipe


def test_data_and_statistics_are_the_same(local, slurm):
    made = local.made("dump", "exp/enh_asr_stats_raw_char")
    assert sum(name.endswith(".flac") for name in made) == 2 * (16 + 4)
    assert slurm.made("dump", "exp/enh_asr_stats_raw_char") == made


def test_a_training_preempted_on_slurm_gives_the_model_of_one_on_this_machine(
    local, slurm
):
    assert_same(slurm.parameters(TOY), local.parameters(TOY))


def test_decoding_gives_the_same(local, slurm):
    decoded = f"{TOY}/decode_asr_enh_asr_model_valid.acc.ave"
    made = local.made(decoded)
    assert f"{decoded}/valid/text_spk1" in made
    assert slurm.made(decoded) == made


def test_a_training_on_two_nodes_preempted_gives_the_model_of_two_processes_here(
    cluster, slurm, tmp_path
):
    training = slurm.start(11, 11, "--num_nodes", "2", "--enh_asr_tag", "two")
    preempt_in_the_middle(cluster, training, slurm.folder / TWO)
    log = (slurm.folder / TWO / "train.log").read_text()
    command = shlex.split(log.splitlines()[0].removeprefix("# srun --export=ALL"))
    start = command.index("--dist_launcher")
    del command[start : start + 2]
    command += ["--output_dir", "exp/here", "--dist_world_size", "2"]
    command += ["--dist_init_method", f"file://{tmp_path}/init"]
    command += ["--multiprocessing_distributed", "false", "--dist_rank"]
    ranks = [
        subprocess.Popen([*command, str(rank)], cwd=slurm.folder, env=slurm.env)
        for rank in range(2)
    ]
    assert [rank.wait(timeout=400) for rank in ranks] == [0, 0]
    assert_same(slurm.parameters(TWO), slurm.parameters("exp/here"))
