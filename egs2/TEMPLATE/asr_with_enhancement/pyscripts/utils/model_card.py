#!/usr/bin/env python3
"""Prints the Hugging Face model card (README.md) of an experiment.

Figures are copied from RESULTS.md and RESULTS_enh.md of stages 14 and 15, so that a
card cannot say anything else; how the model was trained comes from its config.yaml.
"""

import argparse
import zipfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from espnet2.data_dir.audio import parse_rate
from espnet2.data_dir.tables import DataError, run_cli
from espnet2.enh.own_names import OWN_SEPARATOR_NAMES
from espnet2.results.facts import read_config, read_facts

TAGS = ["espnet", "audio", "automatic-speech-recognition", "speech-enhancement"]
INTRODUCTION = """\
Speech enhancement and recognition, trained jointly with ESPnet2 and the trainer of
[Gradient Remedy](https://arxiv.org/abs/2302.11362).
"""
USAGE = """\
## Use

With [ESPnet](https://github.com/espnet/espnet) {version}, in the folder of the files
(`hf download {repo} --local-dir model; cd model`):

```python
from espnet2.bin.asr_inference import Speech2Text
from espnet2.bin.enh_inference import SeparateSpeech
{more}
model = ("{config}", "{weights}")
speech_to_text = Speech2Text(*model, enh_s2t_task=True)
enhance = SeparateSpeech(*model, enh_s2t_task=True)
# speech: of a noisy recording at {rate} Hz, with the channels of the training's data
text = speech_to_text(speech)[0][0][0]
enhanced = enhance(speech[None], fs={rate})[0][0]
```
"""

KNOWS_OURS = """\

# ESPnet alone does not know enh_separator: {name}
from espnet2.enh.own_separators import add_own_separators  # of the trainer's repository

add_own_separators()
"""


def main(cmd: Sequence[str]) -> None:
    """Print the card of one experiment."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--exp", type=Path, required=True, help="joint experiment")
    parser.add_argument("--repo", required=True, help="<user>/<name> on Hugging Face")
    parser.add_argument("--packed", type=Path, required=True, help="zip of stage 16")
    parser.add_argument(
        "--license", default="", help="e.g. cc-by-4.0 (default: unsaid)"
    )
    parser.add_argument("--language", default="", help="e.g. en (default: unsaid)")
    args = parser.parse_args(cmd)
    front = front_matter(args.license, args.language)
    print(front + card(args.exp, args.repo, args.packed), end="")


def front_matter(licence: str, language: str) -> str:
    """Return what Hugging Face reads, between two lines of dashes."""
    entries = {
        "tags": TAGS,
        "library_name": "espnet",
        "pipeline_tag": "automatic-speech-recognition",
        **({"language": language} if language else {}),
        **({"license": licence} if licence else {}),
    }
    return f"---\n{yaml.safe_dump(entries, sort_keys=False)}---\n"


def card(exp: Path, repo: str, packed: Path) -> str:
    """Return the card's text, for the files that ``packed`` holds."""
    config = read_config(exp)
    options = {
        **read_facts(exp),
        "gradient_method": config.get("gradient_method", "sum"),
        **config.get("gradient_conf", {}),
    }
    names = packed_names(packed)
    frontend = config.get("frontend_conf") or {}
    separator = config.get("enh_separator")
    is_ours = separator in OWN_SEPARATOR_NAMES
    usage = USAGE.format(
        repo=repo,
        version=config.get("version", ""),
        config=names["yaml_files"]["enh_s2t_train_config"],
        weights=names["files"]["enh_s2t_model_file"],
        more=KNOWS_OURS.format(name=separator) if is_ours else "",
        rate=parse_rate(str(frontend.get("fs", "16k"))),  # upstream's default
    )
    training = "".join(f"- {key}: `{value}`\n" for key, value in options.items())
    whole = (exp / "config.yaml").read_text(encoding="utf-8")
    return "\n".join(
        [
            f"# {repo.split('/')[-1]}\n\n{INTRODUCTION}",
            *results(exp),
            usage,
            f"## Training\n\n{training}",
            "<details><summary>config.yaml</summary>\n\n"
            f"```yaml\n{whole}```\n\n</details>\n",
        ]
    )


def results(exp: Path) -> list[str]:
    """Return the text and the tables of the experiment's result files."""
    parts = []
    for heading, path in (
        ("Recognition", exp / "RESULTS.md"),
        ("Enhancement", exp / "RESULTS_enh.md"),
    ):
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            # The two topmost headings give way to the card's own.
            kept = [line for line in lines if not line.startswith(("# ", "## "))]
            parts.append(f"## {heading}\n\n" + "\n".join(kept).strip() + "\n")
    if not parts:
        raise DataError(f"{exp}: has no RESULTS.md; stage 14 makes it")
    return parts


def packed_names(packed: Path) -> dict[str, dict[str, str]]:
    """Return ``files`` and ``yaml_files`` of a packed model, by what each is for."""
    try:
        with zipfile.ZipFile(packed) as archive:
            names = yaml.safe_load(archive.read("meta.yaml"))
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise DataError(
            f"{packed}: is no packed model ({error}); run stage 16"
        ) from None
    return names


if __name__ == "__main__":
    run_cli(main)
