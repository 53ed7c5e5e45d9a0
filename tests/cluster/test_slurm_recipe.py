"""A stage of the recipe, and a training over two nodes, by way of Slurm."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.slow

TEMPLATE = "egs2/TEMPLATE/asr_with_enhancement"
RANKS = """\
import os, sys, torch
from espnet2.train.distributed_utils import DistributedOption
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
option = DistributedOption(
    distributed=True,
    dist_backend=words["--dist_backend"],
    dist_init_method=words["--dist_init_method"],
    dist_launcher=words["--dist_launcher"],
)
option.init_options()
option.init_torch_distributed()
total = torch.tensor(option.dist_rank + 1.0)
torch.distributed.all_reduce(total)
print(f"rank {option.dist_rank} of {option.dist_world_size}", end=" ")
print(f"on {os.environ['SLURMD_NODENAME']}: {total.item()}")
"""


@pytest.fixture
def recipe(repo_root, tmp_path) -> Path:
    """A recipe of one data set: four noises of half a second."""
    folder = tmp_path / "my recipe"
    (folder / "conf").mkdir(parents=True)
    names = "asr_with_enhancement.sh cmd.sh path.sh pyscripts scripts utils".split()
    for name in (*names, "conf/slurm.conf"):
        (folder / name).symlink_to(repo_root / TEMPLATE / name)
    data = folder / "data/tr"
    data.mkdir(parents=True)
    for n in range(4):
        samples = np.random.uniform(-0.5, 0.5, 8000)
        soundfile.write(folder / f"data/{n}.wav", samples, 16000)
    values = {"wav.scp": "data/{}.wav", "spk1.scp": "data/{}.wav"}
    values |= {"text": "WORD", "text_spk1": "WORD", "utt2spk": "s"}
    for name, value in values.items():
        lines = [f"s-{n} {value.format(n)}\n" for n in range(4)]
        (data / name).write_text("".join(lines))
    (data / "spk2utt").write_text("s s-0 s-1 s-2 s-3\n")
    return folder


def formatted(recipe: Path, cluster, backend: str) -> dict[str, bytes]:
    """What stage 3 makes with this back-end, without its logs."""
    words = ["--train_set", "tr", "--valid_set", "tr", "--test_sets", "tr"]
    words += ["--stage", "3", "--stop_stage", "3", "--nj", "2", "--dumpdir", "dump"]
    done = subprocess.run(
        ["./asr_with_enhancement.sh", *words],
        cwd=recipe,
        env={**cluster.env, "ESPNET_PYTHON_ENV": "none", "cmd_backend": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("slurm.pl: job " in done.stderr) == (backend == "slurm")
    dump = (recipe / "dump").rename(recipe / backend)
    return {
        str(path.relative_to(dump)): path.read_bytes()
        for path in dump.rglob("*")
        if path.is_file() and "logs" not in path.parts
    }


def test_a_stage_makes_the_same_through_slurm_as_on_this_machine(cluster, recipe):
    local = formatted(recipe, cluster, "local")
    assert sum(name.endswith(".flac") for name in local) == 8
    assert formatted(recipe, cluster, "slurm") == local


def test_espnets_launcher_trains_on_two_nodes(cluster, recipe):
    (recipe / "ranks.py").write_text(RANKS)
    env = {**cluster.env, "ESPNET_PYTHON_ENV": "none"}
    launch = [sys.executable, "-m", "espnet2.bin.launch", "--ngpu", "0"]
    launch += ["--cmd", "utils/slurm.pl --name two_nodes", "--num_nodes", "2"]
    launch += ["--log", "exp/train.log", "--init_file_prefix", "exp/.dist_init_"]
    done = subprocess.run(
        [*launch, "--", "python3", "ranks.py"],
        cwd=recipe,
        env={**env, "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
    )
    log = (recipe / "exp/train.log").read_text()
    assert done.returncode == 0, done.stderr + log
    lines = sorted(line for line in log.splitlines() if line.startswith("rank"))
    assert lines == ["rank 0 of 2 on node1: 3.0", "rank 1 of 2 on node2: 3.0"]
