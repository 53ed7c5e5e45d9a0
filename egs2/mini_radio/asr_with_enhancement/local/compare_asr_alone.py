"""Train upstream's ASR on noisy speech, decode and score it: what joint training adds.

Run in a condition's folder after stage 10. The recogniser, features, batches, optimiser
and schedule are the joint config's; the SE module and its loss are left out.
"""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path
from typing import IO

DUMP = Path("dump/raw")
FOLD_LENGTHS = ("80000", "150")  # samples and tokens, as asr_with_enhancement.sh


def main() -> None:
    """Run training, or decoding and scoring; exit with the code of what fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=("train", "test"))
    parser.add_argument("--exp", type=Path, required=True, help="experiment folder")
    parser.add_argument("--config", type=Path, required=True, help="joint config")
    parser.add_argument("--decode_config", required=True)
    parser.add_argument("--args", default="", help="more flags of the training")
    parser.add_argument("--ngpu", default="0")
    args = parser.parse_args()
    try:
        if args.step == "train":
            flags = [*shlex.split(args.args), "--ngpu", args.ngpu]
            train(args.exp, derive_config(args.config, args.exp), flags)
        else:
            decoded = args.exp / "decode_asr" / "test"
            decode(args.exp, args.decode_config, decoded)
            score(decoded)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


def derive_config(joint: Path, exp: Path) -> Path:
    """Write the recogniser's part of a joint config to the experiment folder."""
    exp.mkdir(parents=True, exist_ok=True)
    derived = exp / "asr.yaml"
    with derived.open("w", encoding="utf-8") as file:
        _python("pyscripts/utils/asr_alone_config.py", joint, stdout=file)
    return derived


def train(exp: Path, config: Path, flags: list[str]) -> None:
    """Train with the installed espnet's own task and trainer."""
    (tokens,) = Path("data").glob("*token_list/*/tokens.txt")
    (stats,) = Path("exp").glob("enh_asr_stats_raw_*")
    bpe_model = tokens.with_name("bpe.model")
    kind = "bpe" if bpe_model.exists() else "char"
    model = ["--bpemodel", bpe_model] if kind == "bpe" else []
    options = ["--config", config, "--token_type", kind, "--token_list", tokens, *model]
    for part in ("train", "valid"):
        for entry in ("wav.scp,speech,sound", "text_spk1,text,text"):
            name = f"--{part}_data_path_and_name_and_type"
            options += [name, f"{DUMP / part}/{entry}"]
        for shape in ("speech_shape", f"text_spk1_shape.{kind}"):
            options += [f"--{part}_shape_file", stats / part / shape]
    for length in FOLD_LENGTHS:
        options += ["--fold_length", length]
    options += ["--use_preprocessor", "true", "--resume", "true", "--output_dir", exp]
    options += ["--frontend_conf", "fs=8k"]
    _python("-m", "espnet2.bin.asr_train", *options, *flags)


def decode(exp: Path, config: str, folder: Path) -> None:
    """Write the decoded test set to ``text_spk1``."""
    scp = f"{DUMP}/test/wav.scp,speech,sound"
    model = ["--asr_train_config", exp / "config.yaml"]
    model += ["--asr_model_file", exp / "valid.acc.ave.pth"]
    data = ["--data_path_and_name_and_type", scp, "--ngpu", "0"]
    output = ["--config", config, "--output_dir", folder / "output"]
    _python("-m", "espnet2.bin.asr_inference", *data, *model, *output)
    (folder / "output/1best_recog/text").replace(folder / "text_spk1")


def score(folder: Path) -> None:
    """Write the word and character errors, as stage 14 does."""
    texts = ["--reference", DUMP / "test/text_spk1"]
    texts += ["--utt2spk", DUMP / "test/utt2spk", "--hypothesis", folder / "text_spk1"]
    for kind, unit in (("wer", "word"), ("cer", "char")):
        output = ["--unit", unit, "--outdir", folder / f"score_{kind}"]
        _python("pyscripts/utils/score_asr.py", *texts, *output)


def _python(*words: object, stdout: IO | None = None) -> None:
    subprocess.run([sys.executable, *map(str, words)], check=True, stdout=stdout)


if __name__ == "__main__":
    main()
