"""The recipe script: options, stages run alone, what it says, how it stops."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

TEMPLATE = "egs2/TEMPLATE/asr_with_enhancement"


@pytest.fixture
def recipe(repo_root, tmp_path) -> Path:
    """A recipe folder with a space in its path, with links to the template."""
    folder = tmp_path / "my recipe"
    folder.mkdir()
    names = "asr_with_enhancement.sh cmd.sh path.sh pyscripts scripts utils".split()
    for name in names:
        (folder / name).symlink_to(repo_root / TEMPLATE / name)
    return folder


@pytest.fixture
def shell(recipe, repo_env):
    """Run a bash command in the recipe folder."""
    env = {**repo_env, "ESPNET_PYTHON_ENV": "none"}

    def run(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            words, cwd=recipe, env=env, capture_output=True, text=True, timeout=120
        )

    return run


@pytest.fixture
def stages(shell):
    """Run the recipe script with the sets named and the options given."""
    sets = ["--train_set", "tr", "--valid_set", "va", "--test_sets", "t1 t2"]

    def run(*words: str) -> subprocess.CompletedProcess:
        return shell("./asr_with_enhancement.sh", *sets, *words)

    return run


def test_help_prints_every_option_with_its_comment(shell, repo_root):
    done = shell("./asr_with_enhancement.sh", "--help")
    assert done.returncode == 0
    script = (repo_root / TEMPLATE / "asr_with_enhancement.sh").read_text()
    options = script.split("# Options")[1].split("# End of options")[0]
    names = [line.split("=")[0] for line in options.splitlines() if "=" in line[:30]]
    assert len(names) > 50
    printed = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    for name in names:
        assert "#" in printed[f"--{name}"], name


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--no_such", "1"], "there is no option --no_such"),
        (["--stage"], "the option --stage wants a value"),
        (["--stage=3"], "write '--stage 3' in place of '--stage=3'"),
        (["--use_lm", "yes"], "--use_lm wants true or false, not 'yes'"),
        (["--nj", "many"], "--nj wants a whole number, not 'many'"),
        (["--nj", "0"], "--nj wants 1 or more"),
        (["--token_type", "phn"], "--token_type wants bpe or char"),
        (["--feats_normalize", "x"], "wants global_mvn or utt_mvn, not 'x'"),
        (["--enh_asr_config", "none.yaml"], "there is no file none.yaml"),
        (["--noisy_share", "1.5"], "--noisy_share wants a number from 0 to 1, or auto"),
        pytest.param(
            ["--unseen_asr_models", "no/where"],
            "no/where: there is no such file",
            marks=pytest.mark.slow,
        ),
        (["--unseen_asr_models", "pocketsphinx"], "no file conf/grammar.jsgf"),
        (
            ["--unseen_asr_models", "a/x.zip b/x"],
            "b/x: another recogniser is called 'x'",
        ),
        (["--train_first", "enh asr"], "enh, 'asr enh' or 'asr only', not 'enh asr'"),
        (["--train_first", "enh"], "--train_first wants an --enh_asr_config"),
        (["--asr_first_speech", "clean"], "wants wav.scp or spk1.scp, not 'clean'"),
        (["--dumpdir", "a,b"], "must not have commas"),
        (["--inference_enh_tag", "-x"], "begins with -"),
        (["--spk_num", "2"], "--spk_num wants 1, not '2': the speech of one speaker"),
        (["--feats_type", "fbank_pitch"], "--feats_type wants raw"),
        (["--use_noise_ref", "true"], "--use_noise_ref wants false"),
        (["--use_ngram", "true"], "--use_lm true trains a neural language model"),
        (["--g2p", "g2p_en"], "--g2p wants none"),
        (["--python", "/no/python"], "ESPNET_PYTHON_ENV chooses that"),
        (["--score_opts", "-i wsj"], "of its options, -s and -e utf-8 hold"),
        pytest.param(
            ["--download_model", "no/where"],
            "no/where: there is no such file or folder",
            marks=pytest.mark.slow,
        ),
        (["--download_model", "a", "--asr_model", "b"], "give one of them"),
        (["--train_set", ""], "--train_set is missing"),
        (["word"], "'word' is not an option"),
    ],
)
def test_a_bad_option_is_told_in_one_line(stages, words, message):
    done = stages(*words)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_command_lines_of_espnet_run(stages, repo_root):
    """Each of these was "no option" here, though it changes nothing."""
    words = "--spk_num 1 --feats_type raw --python python3 --use_ngram false --g2p none"
    words += " --num_splits_asr 4 --num_splits_lm 1 --skip_upload_hf true"
    options = ["--score_opts", "-s -e utf-8", "--hf_repo", "me/x"]
    done = stages(*words.split(), *options, "--stage", "17")
    assert done.returncode == 0, done.stderr
    assert "--num_splits_asr 4 has no effect: the tables are read whole" in done.stdout
    assert "num_splits_lm" not in done.stdout
    assert "Stage 17: left out" in done.stdout
    assert "because of --skip_upload_hf true" in done.stdout


@pytest.mark.slow
def test_the_texts_of_a_language_model_are_joined(stages, recipe):
    """--lm_train_text "a b" was one file name; ids that two files have stay apart."""
    for name in ("tr", "va"):
        folder = recipe / "dump/raw/org" / name
        folder.mkdir(parents=True)
        tables = {"utt2spk": "u s", "spk2utt": "s u", "wav.scp": "u u.wav"}
        tables |= {"text": "u YES", "utt2num_samples": "u 16000", "feats_type": "raw"}
        for table, line in tables.items():
            (folder / table).write_text(f"{line}\n")
    (recipe / "more text").write_text("u AND MORE\nv\n")
    (recipe / "a").write_text("u\tNO\n")
    stage = ["--stage", "4", "--stop_stage", "4", "--min_wav_duration", "0"]
    texts = ["--lm_train_text", "dump/raw/tr/text a", "--lm_dev_text", "more text"]
    done = stages(*stage, *texts)
    assert done.returncode == 0, done.stderr
    joined = (recipe / "dump/raw/lm_train.txt").read_text()
    assert joined == "u_spk1 YES\nu_spk1_2\tNO\n"
    assert (recipe / "dump/raw/lm_dev.txt").read_text() == "u_spk1 AND MORE\n"
    done = stages(*stage, "--lm_train_text", "dump/raw/tr/text b")
    assert done.returncode == 1 and "b is missing" in done.stderr


@pytest.mark.slow
def test_text_serves_where_there_is_no_text_spk1(shell, recipe):
    """The data folders of ESPnet's enh_asr1 recipes have text alone."""
    soundfile.write(recipe / "a.wav", np.zeros(8000), 8000)
    (recipe / "data").mkdir()
    tables = {"utt2spk": "a a", "spk2utt": "a a", "text": "a YES"}
    for table, line in {**tables, "wav.scp": "a a.wav"}.items():
        (recipe / "data" / table).write_text(f"{line}\n")
    setup = "PATH=utils:$PATH fs=8k nj=1 audio_format=wav train_cmd=run.pl"
    setup += " ref_channel= noisy_channel="
    command = f"{setup}; . scripts/utils/stage_tools.sh; format_set data out"
    done = shell("bash", "-euo", "pipefail", "-c", command)
    assert done.returncode == 0, done.stderr
    assert (recipe / "out/text_spk1").read_text() == "a YES\n"


def test_dashes_and_underscores_are_the_same(shell, recipe):
    script = 'a_b=1 c=; . utils/parse_options.sh; echo "$a_b|$c|$1"'
    (recipe / "t.sh").write_text(script)
    done = shell("bash", "-eu", "t.sh", "--a-b", "x y", "--c", "", "rest")
    assert done.stdout == "x y||rest\n"


@pytest.mark.parametrize(
    ("stage", "file", "maker"),
    [
        (3, "data/tr/wav.scp", 1),
        (4, "dump/raw/org/tr/feats_type", 3),
        (5, "dump/raw/tr/text_spk1", 4),
        (6, "dump/raw/lm_train.txt", 4),
        (7, "dump/raw/lm_train.txt", 4),
        (8, "exp/lm_train_bpe30/valid.loss.ave.pth", 7),
        (10, "dump/raw/tr/wav.scp", 4),
        (11, "dump/raw/tr/wav.scp", 4),
        (12, "exp/lm_train_bpe30/valid.loss.ave.pth", 7),
        (13, "exp/enh_asr_train_raw_bpe30/valid.acc.ave.pth", 11),
        (15, "dump/raw/t1/feats_type", 3),
        (16, "exp/enh_asr_train_raw_bpe30/valid.acc.ave.pth", 11),
    ],
)
def test_a_stage_without_its_input_says_which_stage_makes_it(
    stages, stage, file, maker
):
    done = stages("--stage", str(stage), "--stop_stage", str(stage))
    assert done.returncode == 1
    assert f"{file} is missing; stage {maker} makes it" in done.stderr


def test_stage_1_says_if_there_is_no_data_script(stages):
    done = stages("--stop_stage", "1")
    assert done.returncode == 1 and "local/data.sh of this recipe is" in done.stderr


def test_every_stage_left_out_is_told_with_the_reason(stages):
    off = ["--skip_data_prep", "true", "--skip_train", "true", "--skip_eval", "true"]
    done = stages(*off, "--stop_stage", "15")
    assert done.returncode == 0, done.stderr
    for number in range(1, 16):
        line = next(x for x in done.stdout.splitlines() if f" Stage {number}: " in x)
        assert "left out" in line or number == 9
    done = stages("--use_lm", "false", "--stage", "6", "--stop_stage", "9")
    assert done.stdout.count("because of --use_lm false") == 3
    assert "n-gram models are not part of this recipe" in done.stdout


def test_local_data_options_may_be_quoted(stages, recipe):
    (recipe / "local").mkdir()
    (recipe / "local/data.sh").write_text('#!/bin/bash\nprintf "<%s>" "$@"; exit 3\n')
    (recipe / "local/data.sh").chmod(0o755)
    options = "--corpus_dir '/my corpus' --num_train 3"
    done = stages("--stop_stage", "1", "--local_data_opts", options)
    assert done.returncode != 0
    assert "<--corpus_dir></my corpus><--num_train><3>" in done.stdout


def test_setup_makes_relative_links_that_work(repo_root, repo_env, tmp_path):
    egs2 = tmp_path / "a copy" / "egs2"
    template = egs2 / "TEMPLATE" / "asr_with_enhancement"
    template.parent.mkdir(parents=True)
    subprocess.run(["cp", "-R", repo_root / TEMPLATE, template], check=True)
    recipe = egs2 / "new" / "asr_with_enhancement"
    for _ in range(2):  # a second time changes nothing
        subprocess.run([template / "setup.sh", recipe], check=True, env=repo_env)
    links = ("asr_with_enhancement.sh", "path.sh", "cmd.sh", "db.sh", "utils")
    for name in (*links, "conf/slurm.conf"):
        assert not os.readlink(recipe / name).startswith("/")
        assert (recipe / name).exists()
    assert (recipe / "conf").is_dir() and (recipe / "local").is_dir()
    away = subprocess.run([template / "setup.sh", tmp_path / "x"], capture_output=True)
    assert away.returncode == 1 and b"is not beside the template" in away.stderr


TRAINING = """
set -euo pipefail
. scripts/utils/run_training.sh
PATH=$PWD/utils:$PATH
cuda_cmd=run.pl ngpu=0 cpu_ranks=1 num_nodes=1
training_data=("${DIGEST:-1}" "dump/tr and va")
run_training "exp/a model" bash job.sh
echo after
"""


@pytest.mark.slow
def test_threads_of_a_training_sleep_while_they_wait(shell, recipe):
    """Those that did made a step beside other work eighteen times as long."""
    (recipe / "t.sh").write_text(TRAINING)
    (recipe / "job.sh").write_text("echo waits=${OMP_WAIT_POLICY}\n")
    assert shell("bash", "t.sh").returncode == 0
    assert "waits=passive" in (recipe / "exp/a model/train.log").read_text()
    done = shell("env", "OMP_WAIT_POLICY=active", "bash", "t.sh")
    assert done.returncode == 0
    assert "waits=active" in (recipe / "exp/a model/train.log").read_text()


@pytest.mark.slow
def test_a_failed_training_shows_the_end_of_its_log(shell, recipe):
    (recipe / "t.sh").write_text(TRAINING)
    (recipe / "job.sh").write_text("echo went wrong; exit 3\n")
    done = shell("bash", "t.sh")
    assert done.returncode == 1
    assert "went wrong" in done.stderr
    assert "the whole log is exp/a model/train.log" in done.stderr
    assert "after" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "job",
    [
        "kill -9 $$",
        "echo 'RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed.'",
        # The loader died while it handed a batch over.
        "echo '  line 540, in rebuild_storage_fd'; echo 'ConnectionResetError: [104]'",
        # One of several ranks was killed.
        "echo 'ProcessExitedException: process 1 terminated with signal SIGKILL'",
    ],
)
def test_a_training_of_which_a_process_was_killed_says_so(shell, recipe, job):
    (recipe / "t.sh").write_text(TRAINING)
    (recipe / "job.sh").write_text(f"{job}; exit 1\n")
    told = shell("bash", "t.sh").stderr.splitlines()[-1]
    assert "a process was killed, as Linux does where memory runs out" in told


@pytest.mark.slow
def test_a_training_that_goes_on_says_so(shell, recipe):
    (recipe / "t.sh").write_text(TRAINING)
    (recipe / "job.sh").write_text("true\n")
    (recipe / "exp/a model").mkdir(parents=True)
    (recipe / "exp/a model/checkpoint.pth").touch()
    done = shell("bash", "t.sh")
    assert done.returncode == 0, done.stderr
    assert "Resuming the training in exp/a model" in done.stdout
    assert "after" in done.stdout


@pytest.mark.slow
def test_a_training_does_not_go_on_with_other_data(shell, recipe):
    """An ended one was taken for that of a corpus with other options, and scored."""
    (recipe / "t.sh").write_text(TRAINING)
    (recipe / "job.sh").write_text("true\n")
    folder = recipe / "exp/a model"
    assert shell("bash", "t.sh").returncode == 0
    assert shell("env", "DIGEST=2", "bash", "t.sh").returncode == 0  # no step was made
    (folder / "checkpoint.pth").touch()
    assert shell("env", "DIGEST=2", "bash", "t.sh").returncode == 0
    done = shell("env", "DIGEST=3", "bash", "t.sh")
    assert done.returncode == 1 and "after" not in done.stdout
    told = done.stderr.splitlines()[-1]
    assert "exp/a model began with other data than are in dump/tr and va now" in told
    (folder / "data_digest").unlink()
    assert shell("env", "DIGEST=3", "bash", "t.sh").returncode == 0


def test_the_digest_of_data_is_of_what_they_hold_not_of_where(shell, recipe):
    def digest(folder: str, sound: bytes, words: str = "one two") -> str:
        place = recipe / folder
        place.mkdir(parents=True)
        for name, audio in (("wav", b"noisy"), ("spk1", sound)):
            (place / f"{name}.flac").write_bytes(audio)
            command = "cat " + 300 * "x" + " |"  # longer than a name may be
            (place / f"{name}.scp").write_text(f"a {place / name}.flac\nb {command}\n")
        (place / "text_spk1").write_text(f"a {words}\nb three\n")
        tables = ("--tables", "wav.scp", "spk1.scp")
        done = shell("pyscripts/utils/data_digest.py", folder, *tables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = digest("dump/tr", b"clean")
    assert first == digest("other/tr", b"clean")
    assert first != digest("dump/louder", b"CLEAN")
    assert first != digest("dump/words", b"clean", "one too")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_training(recipe, repo_env, kind):
    (recipe / "t.sh").write_text(TRAINING)
    (recipe / "job.sh").write_text("echo $$ > job.pid; sleep 60; true\n")
    process = subprocess.Popen(
        ["env", "--default-signal=INT", "bash", "t.sh"],  # it may be ignored here
        cwd=recipe,
        env=repo_env,
        start_new_session=True,
    )
    pid_file = recipe / "job.pid"
    deadline = time.time() + 60
    while not (pid_file.exists() and pid_file.read_text()):
        assert time.time() < deadline
        time.sleep(0.1)
    if kind == signal.SIGINT:  # as Ctrl-C does: to all in the foreground
        os.killpg(process.pid, kind)
    else:
        process.send_signal(kind)
    assert process.wait(timeout=30) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_set_without_clean_references_is_told_as_such(stages, recipe):
    """It said that stage 4 makes spk1.scp, which the user has to bring."""
    for name in ("tr", "va"):
        folder = recipe / "dump/raw" / name
        folder.mkdir(parents=True)
        for table in ("wav.scp", "text_spk1"):
            (folder / table).write_text("a b\n")
    (recipe / "dump/raw/lm_dev.txt").write_text("a b\n")
    done = stages("--stage", "10", "--stop_stage", "10")
    assert done.returncode != 0
    assert "data/tr has no spk1.scp, the clean references" in done.stderr


@pytest.mark.slow
def test_resampling_is_told(shell, recipe):
    """--fs 8k on audio of 16 kHz passed without a word."""
    for name, rate in (("a", 16000), ("b", 8000), ("c", 16000)):
        soundfile.write(recipe / f"{name}.wav", np.zeros(800), rate)
    (recipe / "wav.scp").write_text("".join(f"{n} {n}.wav\n" for n in "abc"))
    command = "PATH=utils:$PATH scripts/audio/format_wav_scp.sh --fs 8k --nj 2"
    done = shell("bash", "-c", f"{command} wav.scp formatted")
    assert done.returncode == 0, done.stderr
    assert "wav.scp: resampled 2 utterances from 16000 Hz to 8k" in done.stdout


NOISY = """
set -euo pipefail
. scripts/utils/stage_tools.sh
score_enhancement() { mkdir -p "$3"; echo "${options[*]}" | tee -a "$3/score" calls; }
scoring_protocol="${1}" ref_channel= ; score_noisy dump/test "exp/${2}" keys
"""


def test_runs_share_the_scores_of_noisy_speech_until_they_are_out_of_date(
    shell, recipe
):
    """The score of a set's noisy speech took as long as that of the enhanced."""

    def score(protocol: str, experiment: str) -> tuple[str, int]:
        done = shell("bash", "-c", NOISY, "bash", protocol, experiment)
        assert done.returncode == 0, done.stderr
        assert not (recipe / "exp" / experiment).exists()
        return done.stdout, len((recipe / "calls").read_text().splitlines())

    test = recipe / "dump/test"
    test.mkdir(parents=True)
    (test / "feats_type").touch()
    (recipe / "exp").mkdir()
    (recipe / "keys").write_text("u1\n")
    assert score("SI_SNR PESQ", "a") == ("--use_pesq true\n", 1)
    printed, calls = score("SI_SNR PESQ", "b")
    assert "in dump/test/scoring are kept" in printed and calls == 1
    assert score("SI_SNR", "b")[1] == 2  # other options
    assert (test / "scoring/score").read_text() == "\n"
    (recipe / "keys").write_text("u1\nu2\n")
    assert score("SI_SNR", "b")[1] == 3  # other utterances
    (test / "feats_type").touch()
    assert score("SI_SNR", "b")[1] == 4  # the set was made anew
    assert score("SI_SNR", "a")[1] == 4
