"""A joint model that was never trained, as an experiment folder and as a packed zip."""

import contextlib
import string
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny
import torch
import yaml

from espnet2.bin.transcribe import main
from espnet2.main_funcs.pack_funcs import pack
from espnet2.tasks.gradient_remedy import GradientRemedyTask

EXP = Path("exp/enh_asr_demo")
TOKENS = Path("data/token_list/char/tokens.txt")
RATE = 8000  # Hz
# More than the beam of upstream's default, 20
SYMBOLS = ["<blank>", "<unk>", "<space>", *string.ascii_uppercase, "<sos/eos>"]
CHANGES = {"token_type": "char", "bpemodel": None, "token_list": str(TOKENS)}


def make_demo(folder: Path, **changes) -> None:
    """Write exp/enh_asr_demo, its tokens, noisy.wav and conf/ into a recipe folder.

    The ``changes`` take the place of keys of ``tiny.CONFIG``.
    """
    for part in (EXP, TOKENS.parent, Path("conf")):
        (folder / part).mkdir(parents=True)
    (folder / TOKENS).write_text("\n".join(SYMBOLS) + "\n", encoding="utf-8")
    args = tiny.tiny_args(**{**CHANGES, **changes, "token_list": str(folder / TOKENS)})
    torch.manual_seed(0)
    model = GradientRemedyTask.build_model(args)
    torch.save(model.state_dict(), folder / EXP / "valid.acc.ave.pth")
    config = {**vars(args), **CHANGES, **changes, "output_dir": str(EXP)}
    (folder / EXP / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "conf/decode_asr.yaml").write_text("beam_size: 2\nmaxlenratio: -8.0\n")
    soundfile.write(folder / "noisy.wav", speech(0.5), RATE)


def speech(seconds: float, rate: int = RATE) -> np.ndarray:
    """A tone that grows, under noise: (samples,), within full scale."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).normal(size=len(time))
    return 0.3 * time / seconds * np.sin(2 * np.pi * 440 * time) + 0.02 * noise


def pack_demo(folder: Path, monkeypatch, *options: Path, lm: bool = False) -> Path:
    """Pack as stage 16 does, in the recipe folder; ``options`` are more files.

    With ``lm`` lm.pth and lm.yaml of that folder are the language model.
    """
    with monkeypatch.context() as context, contextlib.redirect_stdout(None):
        context.chdir(folder)
        pack(
            files={"enh_s2t_model_file": EXP / "valid.acc.ave.pth"}
            | ({"lm_file": Path("lm.pth")} if lm else {}),
            yaml_files={"enh_s2t_train_config": EXP / "config.yaml"}
            | ({"lm_train_config": Path("lm.yaml")} if lm else {}),
            option=options,
            outpath="packed.zip",
        )
    return folder / "packed.zip"


def refusal(capsys, *words: str | Path) -> str:
    """The one line with which the command refuses to begin."""
    with pytest.raises(SystemExit) as exit_info:
        main([*map(str, words)])
    assert exit_info.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()[-1]
