"""What users start many times answers soon: it loads no package that it does not use.

PyTorch alone takes two seconds. What is counted are packages, not seconds.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from espnet2.results.gradient_verdict import DO_NOT_DECIDE, RESCALE
from espnet2.train.gradient_methods import METHODS

pytestmark = pytest.mark.slow

SCRIPTS = "egs2/TEMPLATE/asr_with_enhancement/pyscripts"
HEAVY = {"torch", "torchaudio", "torchjd", "espnet.nets", "scipy.stats", "librosa.core"}
STARTED = [
    *("audio/format_wav_scp.py", "utils/check_data.py", "utils/filter_data.py"),
    *("text/train_bpe.py", "text/check_tokens.py", "utils/score_asr.py"),
    *("utils/show_asr_result.py", "utils/show_enh_score.py", "utils/show_summary.py"),
    *("utils/merge_enh_scores.py", "utils/show_recognisers.py"),
    *("espnet2.bin.transcribe", "espnet2.bin.gradient_report"),
    *("espnet2.bin.training_progress", "espnet2.data_dir.merge_channels"),
]


def imported(program: str, repo_root: Path) -> set[str]:
    """Return the packages that a program has loaded when it has printed its help."""
    path = [str(repo_root / SCRIPTS / program)]
    words = ["-m", program] if program.startswith("espnet2.") else path
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words, "--help"],
        env={"PYTHONPATH": str(repo_root)},
        cwd=repo_root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-500:]
    lines = done.stderr.splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if "|" in line}


@pytest.mark.parametrize("program", STARTED)
def test_a_program_loads_only_what_it_uses(program, repo_root):
    assert not imported(program, repo_root) & HEAVY


def test_the_packages_are_called_as_they_were(repo_root):
    """The result page draws spectrograms by SciPy; torch and its like it needs not."""
    loaded = imported("espnet2.bin.result_page", repo_root)
    assert {"scipy.stats", "argparse"} <= loaded
    assert not loaded & (HEAVY - {"scipy.stats"})


def test_what_the_verdict_says_of_methods_is_what_their_classes_say():
    rescale = [name for name, method in METHODS.items() if method.rescales]
    decide = [name for name, method in METHODS.items() if method.decides]
    assert rescale == [*RESCALE]
    assert {*METHODS} - {*decide} == {*DO_NOT_DECIDE}
