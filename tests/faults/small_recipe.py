"""A recipe of tones and a tiny model, in which every stage takes seconds."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import yaml

TEMPLATE = "egs2/TEMPLATE/asr_with_enhancement"
RATE = 8000

LAYERS = {"linear_units": 8, "attention_heads": 2, "num_blocks": 1}
TRAINING = {
    "gradient_method": "remedy",
    "enh_encoder_conf": {"n_fft": 64, "hop_length": 32},
    "enh_decoder_conf": {"n_fft": 64, "hop_length": 32},
    "enh_separator_conf": {"num_spk": 1, "nonlinear": "relu", "layer": 1, "unit": 6},
    "frontend_conf": {"n_fft": 128, "hop_length": 64, "n_mels": 12},
    "asr_encoder": "transformer",
    "asr_encoder_conf": {"output_size": 8, **LAYERS},
    "asr_decoder": "transformer",
    "asr_decoder_conf": LAYERS,
    "asr_model_conf": {"ctc_weight": 0.5},
    "batch_type": "folded",
    "batch_size": 2,
    "max_epoch": 2,
    "checkpoint_steps": 1,
    "num_workers": 1,
    "num_att_plot": 0,
    "keep_nbest_models": 2,
    "best_model_criterion": [["valid", "acc", "max"]],
    "use_matplotlib": False,
    "use_tensorboard": False,
    "optim": "adam",
    "optim_conf": {"lr": 0.01},
}
LM_TRAINING = {
    "lm": "seq_rnn",
    "lm_conf": {"unit": 8, "nlayers": 1},
    "batch_size": 4,
    "max_epoch": 2,
    "checkpoint_steps": 1,
    "num_workers": 0,
    "keep_nbest_models": 1,
    "best_model_criterion": [["valid", "loss", "min"]],
    "use_matplotlib": False,
    "use_tensorboard": False,
}
OPTIONS = {
    "train_set": "train",
    "valid_set": "valid",
    "test_sets": "valid",
    "fs": "8k",
    "ngpu": "0",
    "nj": "1",
    "inference_nj": "1",
    "token_type": "char",
    "feats_normalize": "global_mvn",
    "use_lm": "false",
    "enh_asr_config": "conf/train.yaml",
    "enh_asr_tag": "tiny",
    "inference_tag": "decoded",
    "inference_config": "conf/decode.yaml",
}


def tone_pair(folder: Path, key: str, seed: int) -> tuple[Path, Path]:
    """Write about a second of a noisy and of a clean tone; return the paths."""
    random = np.random.default_rng(seed)
    samples = RATE - 200 * seed
    clean = 0.3 * np.sin(2 * np.pi * (300 + 40 * seed) * np.arange(samples) / RATE)
    noisy = clean + 0.05 * random.standard_normal(samples)
    paths = folder / f"{key}.noisy.wav", folder / f"{key}.clean.wav"
    folder.mkdir(parents=True, exist_ok=True)
    for path, wave in zip(paths, (noisy, clean), strict=True):
        soundfile.write(path, wave, RATE)
    return paths


def write_set(folder: Path, speakers: Sequence[str], audio: Path) -> None:
    """Make a data folder with one utterance, ``<speaker>-u``, for each speaker."""
    words = ["ONE TWO", "TWO", "ONE", "TWO ONE"]
    tables: dict[str, list[str]] = {}
    for number, speaker in enumerate(sorted(speakers)):
        key = f"{speaker}-u"
        noisy, clean = tone_pair(audio, f"{number}", number % 8)
        entry = {
            "wav.scp": f"{key} {noisy}",
            "spk1.scp": f"{key} {clean}",
            "text": f"{key} {words[number % len(words)]}",
            "text_spk1": f"{key} {words[number % len(words)]}",
            "utt2spk": f"{key} {speaker}",
            "spk2utt": f"{speaker} {key}",
        }
        for name, line in entry.items():
            tables.setdefault(name, []).append(f"{line}\n")
    folder.mkdir(parents=True)
    for name, lines in tables.items():
        (folder / name).write_text("".join(lines), encoding="utf-8")


class SmallRecipe:
    """The recipe in a folder of its own; the template comes by links.

    Args:
        folder: where; it is made.
        repo_root: where the template is.
        env: for runs whose processes a test looks at: every program of them has an
            interpreter of its own.
        quick_env: for all others, in warm interpreters.
    """

    def __init__(
        self,
        folder: Path,
        repo_root: Path,
        env: dict[str, str],
        quick_env: dict[str, str],
    ):
        self.folder, self.env = folder, {**env, "ESPNET_PYTHON_ENV": "none"}
        self.quick_env = {**quick_env, "ESPNET_PYTHON_ENV": "none"}
        self.prefix: list[str] = []  # of the command line
        self.options = dict(OPTIONS)
        (folder / "conf").mkdir(parents=True)
        for (
            name
        ) in "asr_with_enhancement.sh cmd.sh path.sh pyscripts scripts utils".split():
            (folder / name).symlink_to(repo_root / TEMPLATE / name)
        configs = {"train": TRAINING, "train_lm": LM_TRAINING}
        configs["decode"] = {"beam_size": 2, "ctc_weight": 0.5, "maxlenratio": -4}
        for name, config in configs.items():
            (folder / f"conf/{name}.yaml").write_text(yaml.safe_dump(config))

    def make_data(self, train: int = 6, valid: int = 2) -> None:
        """Make the sets train and valid with so many utterances each."""
        for name, number in (("train", train), ("valid", valid)):
            speakers = [f"{name}{n}" for n in range(number)]
            audio = self.folder / f"audio/{name}"
            write_set(self.folder / f"data/{name}", speakers, audio)

    def words(self, first: int, last: int | None = None, **options: str) -> list[str]:
        """The command line of stages ``first`` to ``last`` (default: one stage)."""
        stages = {"stage": str(first), "stop_stage": str(last or first)}
        given = {**self.options, **stages, **options}
        return [
            *self.prefix,
            "./asr_with_enhancement.sh",
            *(word for key, value in given.items() for word in (f"--{key}", value)),
        ]

    def run(self, *stages: int, **options: str) -> subprocess.CompletedProcess:
        """Run stages to their end, whatever comes out."""
        words = self.words(*stages, **options)
        env = self.env if self.prefix else self.quick_env
        return subprocess.run(
            words, cwd=self.folder, env=env, capture_output=True, text=True
        )

    def succeed(self, *stages: int, **options: str) -> str:
        """Run stages that must succeed; return what they print."""
        done = self.run(*stages, **options)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    def fail(self, *stages: int, **options: str) -> str:
        """Run stages that must fail; return what they say on standard error."""
        done = self.run(*stages, **options)
        assert done.returncode != 0, done.stdout[-3000:]
        return done.stderr

    def shell(self, *words: str) -> None:
        """Run a command in the recipe folder; it must succeed."""
        subprocess.run(words, cwd=self.folder, env=self.env, check=True)

    def start(self, *stages: int, **options: str) -> "Run":
        """Start stages in interpreters of their own; return the run."""
        return Run(self.words(*stages, **options), self.folder, self.env)

    def wait_for_warm_interpreters(self) -> None:
        """Start their server, unless it has started."""
        words = ["python3", "-m", "espnet2.bin.tokenize_text", "--help"]
        subprocess.run(words, env=self.quick_env, stdout=subprocess.DEVNULL, check=True)

    def start_warm(self, *stages: int) -> "Run":
        """Start stages in warm interpreters, which are soon at work; return the run."""
        return Run(self.words(*stages), self.folder, self.quick_env)

    def path(self, name: str) -> Path:
        return self.folder / name


class Run:
    """A run of the recipe; its processes are found even after their parents died.

    They are those whose working folder is the recipe's.
    """

    def __init__(self, words: list[str], folder: Path, env: dict[str, str]):
        self.folder = folder.resolve()
        self.log = folder / "run.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                words,
                cwd=folder,
                env=env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def processes(self) -> dict[int, str]:
        """The command line of every living process of the run, by its number."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (folder / "cwd").readlink() == self.folder:
                    words = (folder / "cmdline").read_bytes().split(b"\0")
                    found[int(folder.name)] = b" ".join(words).decode(errors="replace")
            except OSError:
                continue  # it has ended, or is not ours
        return {pid: line for pid, line in found.items() if line}  # no zombies

    def kill_all(self) -> None:
        """Kill every process, as when a machine dies: with no time to tidy up."""
        scans_without = 0
        while scans_without < 2:  # one may miss a process that becomes another program
            processes = self.processes()
            scans_without = 0 if processes else scans_without + 1
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        self.process.wait()

    def wait_for(self, begin: str, timeout_s: float = 60) -> int:
        """Wait for a process whose command line begins so; return its number."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for pid, line in self.processes().items():
                if line.startswith(begin):
                    return pid
            assert self.process.poll() is None, f"the run ended without {begin}"
            time.sleep(0.05)
        raise AssertionError(f"no {begin} in {timeout_s} s")

    def wait_for_end(self, timeout_s: float = 60) -> None:
        """Wait until no process of the run is left."""
        deadline = time.monotonic() + timeout_s
        while self.processes():
            assert time.monotonic() < deadline, self.processes()
            time.sleep(0.1)
        self.process.wait()
