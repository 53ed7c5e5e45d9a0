"""A study of gradient methods in a folder of its own, with a stub of the recipe."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STUDY = ROOT / "egs2/mini_radio/gradient_methods"
RECIPE = ROOT / "egs2/mini_radio/asr_with_enhancement"
PLAN = """\
recipe_folder: ../asr_with_enhancement
base_config: base.yaml
decode_config: decode.yaml
baseline: sum
seeds: [0, 1]
start: ""
common_args: "--max_epoch 2"
conditions:
    easy: {corpus: "--num_test 3", recipe: "--nbpe 40"}
methods:
    sum: "--gradient_method sum"
    remedy: "--gradient_method remedy --gradient_conf max_stretch=null"
    cascade: {first: "--enh_weight 1", args: "--freeze_param enh_model"}
"""
HARD = PLAN.replace(
    "methods:", '    hard: {corpus: "--num_test 5", trained_on: easy}\nmethods:'
)
# In place of run.sh: says how it was called and leaves what the study reads; it fails
# to train the remedy, and takes long over it if asked to.
RUN = r"""#!/usr/bin/env bash
set -euo pipefail
declare -A option
for ((i = 1; i < $#; i += 2)); do name=${*:i:1} option[${name#--}]=${*:i+1:1}; done
echo "pid $$, cores $(env -u OMP_NUM_THREADS nproc): $*" | tee -a "$CALLS"
exp=${option[enh_asr_exp]:-}
case ${option[stage]} in
    1)  mkdir -p dump/raw/test
        echo "u1 A B C D E F G H I J" > dump/raw/test/text_spk1 ;;
    11) sleep "${STUB_SECONDS:-0}"
        if [[ $* == *=null* ]]; then echo "what went wrong"; exit 1; fi
        touch "$exp/config.yaml" "$exp/valid.acc.ave.pth"
        mkdir -p "$exp/tensorboard" ;;
    12) mkdir -p "$exp/decode/test/score_cer"
        echo "u1 A B C D E F G H I" > "$exp/decode/test/text_spk1"
        printf '{"hits": 9, "substitutions": 0, "deletions": 1, "insertions": 0,' \
            > "$exp/decode/test/score_cer/score.json"
        echo '"sentences": 1, "sentences_with_errors": 1}' \
            >> "$exp/decode/test/score_cer/score.json" ;;
    14) for side in noisy:6 enhanced:4 share_0:4 share_0.2:3 clean:1; do
            score=$exp/recognisers/own/${side%:*}/test/score_wer/score.json
            mkdir -p "${score%/*}"
            printf '{"hits": %d, "substitutions": %d, "deletions": 0,' \
                $((10 - ${side#*:})) "${side#*:}" > "$score"
            echo '"insertions": 0, "sentences": 1, "sentences_with_errors": 1}' \
                >> "$score"
        done
        if [[ $* == *broken* ]]; then echo "what went wrong"; exit 1; fi ;;
esac
"""


class Study:
    """The folder of a study, beside that of a recipe; the current folder.

    Args:
        parent: where; two folders are made in it.
        env: for the processes of its runs.
        quick_env: added to it for runs that a test leaves alone.

    Attributes:
        calls: what the stub of run.sh was called with, one call a line.
    """

    def __init__(
        self, parent: Path, env: dict[str, str], quick_env: dict[str, str]
    ) -> None:
        self.folder, recipe = parent / "my study", parent / "asr_with_enhancement"
        self.calls_file = parent / "calls"
        self.env = {**env, "ESPNET_PYTHON_ENV": "none", "CALLS": str(self.calls_file)}
        self.quick_env = quick_env
        self.env["TMPDIR"] = str(parent)  # a study on this machine is not waited for
        for folder in (self.folder / "plans", self.folder / "report", recipe):
            folder.mkdir(parents=True)
        for name in ("Snakefile", "run.sh", "recogniser.sh", "path.sh", "study"):
            (self.folder / name).symlink_to(STUDY / name)
        for name in ("path.sh", "cmd.sh", "utils", "scripts", "pyscripts"):
            (recipe / name).symlink_to(RECIPE / name)
        (self.folder / "base.yaml").write_text("batch_size: 8\n")
        (self.folder / "decode.yaml").write_text("beam_size: 5\n")
        (recipe / "run.sh").write_text(RUN)
        (recipe / "run.sh").chmod(0o755)
        (self.folder / "README.md").touch()
        (recipe / "README.md").touch()
        self.recipe = recipe
        self.write(PLAN)

    def write(self, plan: str) -> None:
        """Make it the plan."""
        (self.folder / "plans/toy.yaml").write_text(plan)

    @property
    def calls(self) -> list[str]:
        text = self.calls_file.read_text() if self.calls_file.exists() else ""
        return text.splitlines()

    def start(self, *words: str, deaf: bool = False, **env: str) -> subprocess.Popen:
        """Start the study's run.sh in a session of its own.

        If ``deaf``, as ``./run.sh &`` in a script does: with Ctrl-C's signal ignored.
        """
        signals = "--ignore-signal=INT" if deaf else "--default-signal=INT"
        return subprocess.Popen(
            ["env", signals, "./run.sh", "--plan", "plans/toy.yaml", *words],
            cwd=self.folder,
            env={**self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, **env: str) -> tuple[int, str]:
        """Run the study's run.sh to its end; return its exit code and output."""
        process = self.start(*words, **self.quick_env, **env)
        printed = process.communicate()[0]
        return process.returncode, printed


needs_snakemake = pytest.mark.skipif(
    not os.access(ROOT / "tools/study_venv/bin/snakemake", os.X_OK),
    reason="tools/study_venv is missing: make -C tools study makes it",
)
