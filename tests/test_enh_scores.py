"""merge_enh_scores.py and show_enh_score.py, on made-up and on upstream's outputs."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from in_process import run_script

UTILS = Path("egs2/TEMPLATE/asr_with_enhancement/pyscripts/utils")
SCORES = {"utt_b": 4.0, "utt_a": -1.5, "utt-c": 0.5, "Utt_d": 3.0}


@pytest.fixture
def tool(repo_root):
    """Run one of the scripts; return what came of it."""
    return lambda name, *words: run_script(repo_root / UTILS / name, *words)


def write_job(scoring, job, scores, metric="SI_SNR", wav=True):
    folder = scoring / "logdir" / f"output.{job}"
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{utterance} {value}\n" for utterance, value in scores.items())
    (folder / f"{metric}_spk1").write_text(lines)
    if wav:
        paths = "".join(f"{utterance} audio/{utterance}.wav\n" for utterance in scores)
        (folder / "wav_spk1").write_text(paths)


def test_jobs_are_joined_in_c_order_and_averaged(tool, tmp_path):
    write_job(tmp_path, 2, {"utt_b": 4.0, "utt_a": -1.5})
    write_job(tmp_path, 10, {"utt-c": 0.5})
    write_job(tmp_path, 1, {"Utt_d": 3.0})
    (tmp_path / "keys").write_text("".join(f"{name} x.wav\n" for name in SCORES))
    done = tool("merge_enh_scores.py", tmp_path, "--key_file", tmp_path / "keys")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "SI_SNR_spk1").read_text() == (
        "Utt_d 3.0\nutt-c 0.5\nutt_a -1.5\nutt_b 4.0\n"
    )
    wavs = (tmp_path / "wav_spk1").read_text().splitlines()
    assert wavs[0] == "Utt_d audio/Utt_d.wav" and len(wavs) == 4
    assert (tmp_path / "result_si_snr.txt").read_text() == "1.50\n"
    assert not (tmp_path / "result_wav.txt").exists()
    assert not list(tmp_path.glob("*.tmp"))


def test_a_missing_utterance_is_an_error_that_names_it(tool, tmp_path):
    write_job(tmp_path, 1, {"a": 1.0, "b": 2.0})
    write_job(tmp_path, 1, {"a": 1.0}, metric="SDR", wav=False)
    done = tool("merge_enh_scores.py", tmp_path)
    assert done.returncode == 1
    assert "SDR_spk1 lacks 1 utterance(s)" in done.stderr and ": b;" in done.stderr
    assert not (tmp_path / "SI_SNR_spk1").exists()


def test_the_key_file_reveals_what_no_job_has_scored(tool, tmp_path):
    write_job(tmp_path, 1, {"a": 1.0})
    (tmp_path / "keys").write_text("a x\nlost x\n")
    done = tool("merge_enh_scores.py", tmp_path, "--key_file", tmp_path / "keys")
    assert done.returncode == 1 and "lost" in done.stderr
    (tmp_path / "keys").write_text("z x\na x\n")
    write_job(tmp_path, 2, {"old": 1.0, "z": 2.0})
    done = tool("merge_enh_scores.py", tmp_path, "--key_file", tmp_path / "keys")
    assert done.returncode == 1 and "old" in done.stderr


def test_an_utterance_in_two_jobs_is_an_error_that_names_both(tool, tmp_path):
    write_job(tmp_path, 1, {"a": 1.0})
    write_job(tmp_path, 7, {"a": 1.0})
    done = tool("merge_enh_scores.py", tmp_path)
    assert done.returncode == 1
    assert all(word in done.stderr for word in ("'a'", "output.1", "output.7"))


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda job: None, ["SI_SNR_spk1:2", "x1"]),
        (lambda job: (job / "SI_SNR_spk1").write_text("a 1\n\n"), [":2", "no id"]),
        (lambda job: (job / "SI_SNR_spk1").write_text(""), ["is empty"]),
        (lambda job: [p.unlink() for p in job.iterdir()], ["output.1", "log"]),
    ],
)
def test_a_broken_job_is_one_line_that_names_the_file(tool, tmp_path, break_it, words):
    write_job(tmp_path, 1, {"a": 1.0, "b": "x1"})
    break_it(tmp_path / "logdir" / "output.1")
    done = tool("merge_enh_scores.py", tmp_path)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert all(word in done.stderr for word in words), done.stderr


def test_a_folder_without_jobs_is_an_error(tool, tmp_path):
    done = tool("merge_enh_scores.py", tmp_path)
    assert done.returncode == 1 and "output.<JOB>" in done.stderr


@pytest.mark.parametrize(
    ("metric", "scores", "mean", "named"),
    [
        ("SDR", {"a": 1.0, "b": "nan", "c": 4.0, "d": "inf"}, "2.50", "2 of 4"),
        ("SIR", {"a": "inf", "b": "inf"}, "inf", "2 of 2"),
        ("SDR", {"a": "nan", "b": "inf"}, "n/a", "2 of 2"),
        ("PESQ_NB", {"a": 2.0, "b": -6}, "2.00", "1 of 2"),
        ("STOI", {"a": 80.0, "b": 1e-5 * 100}, "80.00", "1 of 2"),
    ],
)
def test_what_is_no_score_is_named_and_left_out(
    tool, tmp_path, metric, scores, mean, named
):
    write_job(tmp_path, 1, scores, metric=metric)
    done = tool("merge_enh_scores.py", tmp_path)
    assert done.returncode == 0, done.stderr
    result = tmp_path / f"result_{metric.lower()}.txt"
    assert result.read_text() == f"{mean}\n"
    assert f"{metric}: no finite score for {named} utterances" in done.stderr
    assert "b" in done.stderr.rsplit(":", 1)[1]


def test_pesq_may_lack_an_utterance_without_speech(tool, tmp_path):
    write_job(tmp_path, 1, {"a": 1.0, "silent": 2.0})
    write_job(tmp_path, 1, {"a": 3.0}, metric="PESQ_WB", wav=False)
    done = tool("merge_enh_scores.py", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "result_pesq_wb.txt").read_text() == "3.00\n"
    assert "PESQ_WB" in done.stderr and "silent" in done.stderr


def test_upstream_scores_of_8_khz_speech_are_merged_whole(tool, tmp_path, monkeypatch):
    pytest.importorskip("mir_eval", reason="upstream's enh_scoring needs mir_eval")
    pytest.importorskip("pesq")
    from espnet2.bin import enh_scoring

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    seconds = {"u0": 1.2, "u1": 0.2, "u2": 1.0, "u3": 1.5}
    for name, duration in seconds.items():
        time = np.arange(int(8000 * duration)) / 8000
        tones = sum(np.sin(2 * np.pi * pitch * time) for pitch in (200, 450, 1400))
        clean = 0.15 * tones * np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)
        noisy = clean + 0.05 * rng.standard_normal(len(time))
        soundfile.write(f"clean_{name}.wav", clean, 8000)
        soundfile.write(f"noisy_{name}.wav", noisy, 8000)
    for scp, kind in (("wav.scp", "noisy"), ("spk1.scp", "clean")):
        lines = (f"{name} {kind}_{name}.wav\n" for name in seconds)
        Path(scp).write_text("".join(lines))
    for job, keys in ((1, "u0 -\nu1 -\n"), (2, "u2 -\nu3 -\n")):
        Path("keys").write_text(keys)
        options = [
            "--ref_scp",
            "spk1.scp",
            "--inf_scp",
            "wav.scp",
            "--key_file",
            "keys",
        ]
        options += ["--output_dir", f"scoring/logdir/output.{job}"]
        enh_scoring.main([*options, "--use_pesq", "true"])

    done = tool("merge_enh_scores.py", "scoring", "--key_file", "wav.scp")
    assert done.returncode == 0, done.stderr
    lines = Path("scoring/SI_SNR_spk1").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["u0", "u1", "u2", "u3"]
    scores = [float(line.split()[1]) for line in lines]
    mean = float(Path("scoring/result_si_snr.txt").read_text())
    assert mean == pytest.approx(np.mean(scores), abs=0.005)
    assert 1 < float(Path("scoring/result_pesq_nb.txt").read_text()) < 4.6
    assert Path("scoring/result_sir.txt").read_text() == "inf\n"
    for metric in ("PESQ_NB", "STOI"):
        assert f"{metric}: no finite score for 1 of 4" in done.stderr


def write_results(scoring, **means):
    scoring.mkdir(parents=True)
    for metric, mean in means.items():
        (scoring / f"result_{metric}.txt").write_text(f"{mean}\n")


def table_rows(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_each_scored_set_is_a_row_with_its_figures(tool, tmp_path):
    means = {"stoi": 88.1, "sar": 9.0, "sdr": 8.5, "sir": "inf", "si_snr": 7.25}
    write_results(tmp_path / "enhanced_b" / "scoring", **means, pesq_nb=2.31)
    write_results(tmp_path / "enhanced_a" / "scoring", si_snr=-3.0)
    done = tool("show_enh_score.py", tmp_path)
    assert done.returncode == 0, done.stderr
    assert table_rows(done.stdout) == [
        "|dataset|PESQ|STOI|SAR|SDR|SIR|SI_SNR|",
        "|---|---|---|---|---|---|---|",
        "|enhanced_a|-|-|-|-|-|-3.0|",
        "|enhanced_b|2.31 nb|88.1|9.0|8.5|inf|7.25|",
    ]


def test_sets_of_several_experiments_keep_the_experiment_in_their_name(tool, tmp_path):
    write_results(tmp_path / "exp1" / "enhanced_t" / "scoring", si_snr=1.0)
    write_results(tmp_path / "exp2" / "enhanced_t" / "scoring", si_snr=2.0)
    rows = table_rows(tool("show_enh_score.py", tmp_path).stdout)
    assert [row.split("|")[1] for row in rows[2:]] == [
        "exp1/enhanced_t",
        "exp2/enhanced_t",
    ]


def test_nothing_scored_is_an_error_that_names_the_stage(tool, tmp_path):
    done = tool("show_enh_score.py", tmp_path)
    assert done.returncode == 1 and "run stage 15" in done.stderr


def test_an_empty_result_file_is_an_error(tool, tmp_path):
    write_results(tmp_path / "enhanced_t" / "scoring", si_snr="")
    done = tool("show_enh_score.py", tmp_path)
    assert done.returncode == 1 and "result_si_snr.txt" in done.stderr
