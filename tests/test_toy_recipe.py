"""All stages of the recipe on a cut-down mini_radio, and its model in stock ESPnet."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import soundfile
import torch
import yaml

from espnet2.transcription.listener import take_listener
from espnet2.transcription.recogniser import TakenRecogniser

pytest.importorskip("espeakng_loader", reason="espeakng-loader speaks the toy corpus")
pytestmark = pytest.mark.slow

MINI_RADIO = "egs2/mini_radio/asr_with_enhancement"
EXP = Path("exp/enh_asr_toy")
DECODED = EXP / "decode_asr_enh_asr_model_valid.acc.ave/test"
NO_PICTURES = "--num_att_plot 0 --use_matplotlib false"
OPTIONS = [
    *("--local_data_opts", "--num_train 48 --num_valid 8 --num_test 6 --nj 2"),
    *("--nbpe", "40", "--enh_asr_tag", "toy", "--nj", "2", "--inference_nj", "1"),
    *("--enh_asr_args", "--max_epoch 2 --batch_size 8 --log_interval 3"),
]


class Recipe:
    """A copy of the recipe in a folder with a space, run as a user would."""

    def __init__(self, folder: Path, repo_root: Path, env: dict[str, str]):
        self.folder, self.env = folder, {**env, "ESPNET_PYTHON_ENV": "none"}
        folder.mkdir()
        for path in (repo_root / MINI_RADIO).iterdir():
            if path.name in ("data", "dump", "exp", "downloads", "conf"):
                continue
            (folder / path.name).symlink_to(path.resolve())
        shutil.copytree(repo_root / MINI_RADIO / "conf", folder / "conf")
        decode = folder / "conf/decode_asr.yaml"  # of a model that knows nothing yet
        decode.write_text(decode.read_text().replace("beam_size: 5", "beam_size: 2"))

    def run(self, *words: str) -> str:
        """Run ./run.sh with the toy's options; return what it printed."""
        done = subprocess.run(
            ["./run.sh", *OPTIONS, *words],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def stock(
        self, module: str, *words: str, folder: Path | None = None
    ) -> subprocess.CompletedProcess:
        """Run a command of the installed espnet, the overlay not on the path."""
        env = {k: v for k, v in self.env.items() if k != "PYTHONPATH"}
        return subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=folder or self.folder,
            env=env,
            capture_output=True,
            text=True,
        )

    def text(self, path: str | Path) -> str:
        return (self.folder / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, repo_root, typechecked_env) -> Recipe:
    """All stages were run with upstream's checks of types, as users do."""
    folder = tmp_path_factory.mktemp("toy") / "my recipe"
    recipe = Recipe(folder, repo_root, typechecked_env)
    recipe.printed = recipe.run()
    return recipe


def test_every_stage_runs_and_ends_with_the_table(recipe):
    for stage in (*range(1, 6), *range(10, 17)):
        assert f"Stage {stage}: " in recipe.printed
    assert "WER" in recipe.printed and "SI-SNR" in recipe.printed


def test_results_are_written_for_text_and_speech(recipe):
    score = json.loads(recipe.text(DECODED / "score_wer/score.json"))
    assert score["sentences"] == 6
    assert score["error_rate"] > 0
    assert "### WER" in recipe.text(EXP / "RESULTS.md")
    table = recipe.text(EXP / "RESULTS_enh.md")
    for metric in ("SI_SNR", "SDR", "STOI", "PESQ"):
        assert metric in table
    for name in ("noisy", "enhanced", "clean"):
        wav = soundfile.info(recipe.folder / EXP / f"samples/{name}.wav")
        assert wav.samplerate == 8000 and wav.frames > 4000


def test_conflict_statistics_are_in_log_plots_and_tensorboard(recipe):
    assert "grad_conflict=" in recipe.text(EXP / "train.log")
    folder = recipe.folder / EXP
    assert (folder / "images/grad_conflict.png").exists()
    assert list((folder / "tensorboard/train").iterdir())


def test_the_config_names_the_method(recipe):
    config = yaml.safe_load(recipe.text(EXP / "config.yaml"))
    assert config["gradient_method"] == "remedy"
    assert config["gradient_conf"]["max_stretch"] == "dynamic"


def test_stock_espnet_decodes_and_enhances_our_checkpoint(recipe):
    """Without the overlay on the path the same text and the same samples come out."""
    assert recipe.stock("espnet2.bin.gradient_remedy_train", "--help").returncode == 1
    keys = DECODED / "logdir/keys.1.scp"
    model = [str(EXP / "config.yaml"), str(EXP / "valid.acc.ave.pth")]
    task = ["--enh_s2t_task", "true", "--ngpu", "0", "--key_file", str(keys)]
    scp = "dump/raw/test/wav.scp"
    decoded = recipe.stock(
        "espnet2.bin.asr_inference",
        *task,
        *("--data_path_and_name_and_type", f"{scp},speech,sound"),
        *("--asr_train_config", model[0], "--asr_model_file", model[1]),
        *("--config", "conf/decode_asr.yaml", "--output_dir", "stock_asr"),
    )
    assert decoded.returncode == 0, decoded.stderr[-3000:]
    ours = recipe.text(DECODED / "logdir/output.1/1best_recog/text_spk1")
    assert recipe.text(Path("stock_asr/1best_recog/text_spk1")) == ours
    enhanced = recipe.stock(
        "espnet2.bin.enh_inference",
        *task,
        *("--data_path_and_name_and_type", f"{scp},speech_mix,sound", "--fs", "8k"),
        *("--train_config", model[0], "--model_file", model[1]),
        *("--normalize_output_wav", "true", "--output_dir", "stock_enh"),
    )
    assert enhanced.returncode == 0, enhanced.stderr[-3000:]
    name = keys_of(recipe, keys)[0]
    stock = soundfile.read(recipe.folder / f"stock_enh/wavs/1/{name}.wav")[0]
    line = next(
        line
        for line in recipe.text(EXP / "enhanced_test/spk1.scp").splitlines()
        if line.startswith(f"{name} ")
    )
    ours_wav = soundfile.read(recipe.folder / line.split(maxsplit=1)[1])[0]
    assert stock.shape == ours_wav.shape
    # The padded BLSTM and the packed one differ by round-off of 16 bit samples.
    assert abs(stock - ours_wav).max() <= 2 / 32768


def keys_of(recipe: Recipe, keys: Path) -> list[str]:
    return [line.split()[0] for line in recipe.text(keys).splitlines()]


def test_the_packed_model_needs_nothing_else_of_the_recipe(recipe, tmp_path):
    """Stock ESPnet and ours decode with it in another folder; it lacked tokens.txt."""
    packed = recipe.folder / EXP / "enh_asr_toy_valid.acc.ave.zip"
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path)
    names = recipe.text(DECODED / "text_spk1").splitlines()
    expected = {line.split()[0]: line.partition(" ")[2].strip() for line in names}
    table = [line.split() for line in recipe.text("dump/raw/test/wav.scp").splitlines()]
    lines = [f"{name} {recipe.folder / path}\n" for name, path in table]
    (tmp_path / "wav.scp").write_text("".join(lines))
    conf = recipe.folder / "conf/decode_asr.yaml"
    (model,) = tmp_path.glob(f"{EXP}/*.pth")
    recipe.stock(
        "espnet2.bin.asr_inference",
        *("--enh_s2t_task", "true", "--ngpu", "0", "--output_dir", "stock"),
        *("--asr_train_config", str(EXP / "config.yaml"), "--config", str(conf)),
        *("--asr_model_file", str(model)),
        *("--data_path_and_name_and_type", "wav.scp,speech,sound"),
        folder=tmp_path,
    ).check_returncode()
    stock = (tmp_path / "stock/1best_recog/text_spk1").read_text().splitlines()
    assert {
        line.split()[0]: line.partition(" ")[2].strip() for line in stock
    } == expected
    words = ["--model", packed, "--decode_config", conf, "wav.scp"]
    ours = subprocess.run(
        [sys.executable, "-m", "espnet2.bin.transcribe", *words],
        cwd=tmp_path,
        env=recipe.env,
        capture_output=True,
        text=True,
    )
    assert ours.returncode == 0, ours.stderr[-3000:]
    found = [json.loads(line) for line in ours.stdout.splitlines()]
    assert {line["name"]: line["text"].strip() for line in found} == expected


def test_the_report_is_made_and_the_card_is_not_uploaded_without_a_token(recipe):
    report = recipe.text(EXP / "report.html")
    assert "enh_asr_toy" in report and "<audio" in report
    words = ["--stage", "17", "--hf_repo", "me/toy", "--hf_license", "cc0-1.0"]
    printed = recipe.run(*words)
    assert "dry run" in printed.lower()
    assert "license: cc0-1.0" in recipe.text(EXP / "README.md")


def test_a_repeated_stage_gives_the_same_result(recipe):
    before = recipe.text(DECODED / "text_spk1")
    recipe.run("--stage", "12", "--stop_stage", "12")
    assert recipe.text(DECODED / "text_spk1") == before


def test_a_packed_model_decodes_and_enhances_in_place_of_a_trained_one(recipe):
    """``--download_model``; its enhanced speech goes into folders of another name."""
    packed = f"{EXP}/enh_asr_toy_valid.acc.ave.zip"
    words = ["--stage", "10", "--stop_stage", "15", "--scoring_protocol", "SI_SNR"]
    words += ["--download_model", packed, "--inference_enh_tag", "other"]
    printed = recipe.run(*words)
    assert "Stage 11: left out" in printed and f"--download_model {packed}" in printed
    taken = Path("exp/joint_model_enh_asr_toy_valid.acc.ave")
    decoded = taken / "decode_asr_enh_asr_model_model/test/text_spk1"
    assert recipe.text(decoded) == recipe.text(DECODED / "text_spk1")
    scores = [
        recipe.text(folder / "scoring/SI_SNR_spk1")
        for folder in (taken / "other_test", EXP / "enhanced_test")
    ]
    assert scores[0] == scores[1]
    assert "| test" in printed and "SI-SNR of test" not in printed


def stage_3(recipe: Recipe, dumpdir: str, limit: str = "unlimited") -> list[str]:
    """The words that run stage 3 into ``dumpdir``, files no longer than ``limit``."""
    words = ["./run.sh", *OPTIONS, "--dumpdir", dumpdir, "--stage", "3"]
    script = f'ulimit -f {limit}; exec "$@"'
    return ["bash", "-c", script, "bash", *words, "--stop_stage", "3"]


def assert_not_taken_for_whole_but_made_again(recipe: Recipe, dumpdir: str) -> None:
    later = ["./run.sh", *OPTIONS, "--dumpdir", dumpdir, "--stage", "4"]
    refused = subprocess.run(
        [*later, "--stop_stage", "4"],
        cwd=recipe.folder,
        env=recipe.env,
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 1
    assert "feats_type is missing; stage 3 makes it" in refused.stderr
    recipe.run("--dumpdir", dumpdir, "--stage", "3", "--stop_stage", "4")
    for name in ("utt2num_samples", "text_spk1", "utt2spk"):
        made = recipe.text(Path(dumpdir, "raw/train", name))
        assert made == recipe.text(Path("dump/raw/train", name))


def test_a_killed_stage_is_done_again(recipe):
    process = subprocess.Popen(
        stage_3(recipe, "killed"),
        cwd=recipe.folder,
        env=recipe.env,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(recipe.folder.glob("killed/raw/org/train/**/*.flac")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert_not_taken_for_whole_but_made_again(recipe, "killed")


def test_a_stage_that_cannot_write_says_so_and_is_done_again(recipe):
    """A limit on the size of files stands for a full disk."""
    failed = subprocess.run(
        stage_3(recipe, "full", limit="16"),
        cwd=recipe.folder,
        env=recipe.env,
        capture_output=True,
        text=True,
    )
    assert failed.returncode != 0
    assert "File too large" in failed.stderr or ".log" in failed.stderr
    assert_not_taken_for_whole_but_made_again(recipe, "full")


def test_a_longer_training_goes_on_from_the_checkpoint(recipe):
    stat = os.stat(recipe.folder / EXP / "1epoch.pth")
    printed = recipe.run(
        *("--stage", "11", "--stop_stage", "11"),
        *(
            "--enh_asr_args",
            f"--max_epoch 3 --batch_size 8 --log_interval 3 {NO_PICTURES}",
        ),
    )
    assert "Resuming" in printed
    assert "3/3epoch started" in recipe.text(EXP / "train.log")
    first = recipe.folder / EXP / "1epoch.pth"
    assert not first.exists() or os.stat(first).st_mtime == stat.st_mtime


def test_recognisers_that_training_never_saw_hear_the_enhanced_speech(recipe):
    """One at twice the rate; what is up to date is not decoded again."""
    words = ["--stage", "14", "--stop_stage", "15", "--noisy_share", "0.5"]
    other = recipe.folder / "exp/other"
    take_listener(str(recipe.folder / EXP), TakenRecogniser(other))
    (other / "model.pth").rename(other / "valid.acc.ave.pth")
    config = recipe.text("exp/other/config.yaml").replace("fs: 8k", "fs: 16k")
    (other / "config.yaml").write_text(config)
    words += ["--unseen_asr_models", "exp/other", "--scoring_protocol", "SI_SNR"]
    printed = recipe.run(*words)
    assert "| other" in printed and "unseen" in printed and "0.5" in printed
    table = recipe.text(EXP / "RESULTS_unseen.md")
    assert [
        line.split("|")[1:5] for line in table.splitlines() if "|test|" in line
    ] == [
        ["own", "seen", "-", "test"],
        ["own", "seen", "0.5", "test"],
        ["other", "unseen", "-", "test"],
        ["other", "unseen", "0.5", "test"],
    ]
    heard = EXP / "recognisers/own"
    assert recipe.text(heard / "enhanced/test/text_spk1") == recipe.text(
        DECODED / "text_spk1"
    )
    assert "table-recognisers" in recipe.text(EXP / "report.html")
    made = sorted((recipe.folder / EXP).glob("recognisers/*/*/test/text"))
    times = [os.stat(path).st_mtime_ns for path in made]
    assert len(made) == 3 + 4
    assert recipe.run(*words).count("is up to date") == 7
    assert times == [os.stat(path).st_mtime_ns for path in made]
    shared = recipe.folder / EXP / "recognisers/other/noisy/test"
    assert shared.resolve() == recipe.folder / "exp/unseen_asr_other/noisy/test"


def test_modules_trained_first_are_what_the_joint_training_begins_with(recipe):
    words = ["--stage", "11", "--stop_stage", "11", "--train_first", "asr enh"]
    for name in ("asr_first", "enh_first", "enh_asr"):
        words += [f"--{name}_args", f"--max_epoch 1 --batch_size 8 {NO_PICTURES}"]
    recipe.run(*words, "--enh_asr_tag", "one")
    (asr,) = recipe.folder.glob("exp/asr_first_train_gradient_remedy_raw_bpe40*/")
    (enh,) = recipe.folder.glob("exp/enh_first_train_gradient_remedy_raw_bpe40*/")
    recogniser = torch.load(asr / "valid.acc.ave.pth")
    both = torch.load(enh / "valid.loss_enh.ave.pth")
    own = {k.removeprefix("s2t_model."): v for k, v in both.items() if "s2t_" in k}
    assert own.keys() == recogniser.keys()
    moved = [name for name in own if not torch.equal(own[name], recogniser[name])]
    assert all("running_" in name or "num_batches" in name for name in moved)
    config = yaml.safe_load(recipe.text("exp/enh_asr_one/config.yaml"))
    assert config["init_param"] == [f"exp/{enh.name}/valid.loss_enh.ave.pth"]
    assert config["gradient_method"] == "remedy" and config["enh_weight"] == 0.2
    assert "enh_separator" not in yaml.safe_load(
        recipe.text(f"exp/{asr.name}/config.yaml")
    )

    # Another joint training takes the same modules, while the first may still run.
    made = [os.stat(path / "checkpoint.pth").st_mtime_ns for path in (asr, enh)]
    lock = open(asr.parent / f".{asr.name}.lock")
    fcntl.flock(lock, fcntl.LOCK_SH)
    recipe.run(*words, "--enh_asr_tag", "two")
    lock.close()
    assert made == [os.stat(path / "checkpoint.pth").st_mtime_ns for path in (asr, enh)]
    assert (recipe.folder / "exp/enh_asr_two/valid.acc.ave.pth").exists()
