"""README and docs: what they show runs, and what they name exists."""

import importlib.util
import math
import os
import re
import shlex
import subprocess
from pathlib import Path
from unittest import mock

import pytest
import soundfile
import torch
import yaml
from demo_model import make_demo

import espnet2
from espnet2.bin import transcribe
from espnet2.tasks.gradient_remedy import GradientRemedyTask
from espnet2.tasks.gradient_remedy_checks import check_config_types
from espnet2.train.gradient_options import resolve_gradient_conf
from espnet2.train.gradient_remedy import remedy

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SCRIPT = ROOT / "egs2/TEMPLATE/asr_with_enhancement/asr_with_enhancement.sh"


def blocks(language: str) -> list:
    """A test parameter for every code block of a language, named after its place."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        pattern = rf"^```{language}\n(.*?)^```$"
        for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 1
            found.append(pytest.param(match[1], id=f"{page.name}:{line}"))
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    """A recipe folder with exp/enh_asr_demo and noisy.wav."""
    folder = tmp_path_factory.mktemp("demo")
    make_demo(folder)
    return folder


def namespace() -> dict:
    """What a snippet may use: two losses, and the parameters that both reach."""
    encoder, head = torch.nn.Linear(3, 3), torch.nn.Linear(3, 1)
    hidden = encoder(torch.randn(5, 3))
    return {
        "enh_loss": hidden.square().mean(),
        "asr_loss": head(hidden).square().mean(),
        "shared_parameters": list(encoder.parameters()),
        "other_parameters": list(head.parameters()),
    }


@pytest.mark.parametrize("code", blocks("python"))
def test_a_python_snippet_runs(code, demo, monkeypatch, capsys):
    monkeypatch.chdir(demo)
    names = namespace()
    with mock.patch.dict(os.environ):
        exec(compile(code, "snippet", "exec"), names)
    if "print(text)" in code:
        assert capsys.readouterr().out.strip() == names["text"].strip() != ""
    if "enhanced.wav" in code:
        written, noisy = (soundfile.info(f"{n}.wav") for n in ("enhanced", "noisy"))
        assert (written.frames, written.samplerate) == (noisy.frames, noisy.samplerate)
    if "jac_to_grad(shared_parameters" in code:
        assert all(p.grad is not None for p in names["shared_parameters"])


def test_the_two_snippets_are_ten_lines_of_code():
    text = (ROOT / "docs/python_api.md").read_text(encoding="utf-8")
    snippets = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for code in snippets[:2]:
        assert len([line for line in code.splitlines() if line]) <= 10


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_yaml_snippet_is_a_training_config(text, tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text(text, encoding="utf-8")
    parser = GradientRemedyTask.get_parser()
    check_config_types(yaml.safe_load(text), parser)
    args = parser.parse_args(["--config", str(path), "--output_dir", "exp"])
    for key, value in yaml.safe_load(text).items():
        assert getattr(args, key) == value, key
    resolve_gradient_conf(args.gradient_conf)


@pytest.mark.parametrize("code", blocks("sh"))
def test_a_shell_snippet_names_what_exists(code):
    subprocess.run(["bash", "-n"], input=code, text=True, check=True)
    for line in code.replace("\\\n", " ").splitlines():
        words = re.split(r"\s[|>&]", line)[0]
        check_command(shlex.split(words, comments=True))


def check_command(words: list[str]) -> None:
    """Fail if a command's script, module, target or option does not exist."""
    while words and re.fullmatch(r"\w+=\S*", words[0]):
        words = words[1:]
    if words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2]), words[2]
        if words[2] == "espnet2.bin.transcribe":
            transcribe.get_parser().parse_args(words[3:])
    elif words and words[0] in ("python", "python3"):
        assert (ROOT / words[1]).is_file(), words[1]
    elif words[:3] == ["make", "-C", "tools"]:
        makefile = (ROOT / "tools/Makefile").read_text(encoding="utf-8")
        for target in words[3:]:
            name = target.split("=")[0]
            assert re.search(rf"(^|given,){name}\b", makefile, re.M), target
    elif words and words[0] in ("./run.sh", "./asr_with_enhancement.sh"):
        check_recipe_options(words[1:])


def check_recipe_options(words: list[str]) -> None:
    """Fail if the script, or the training that gets its --enh_asr_args, has no such."""
    known = re.findall(
        r"^(\w+)=", SCRIPT.read_text(encoding="utf-8").split("# End")[0], re.MULTILINE
    )
    for word, value in zip(words, [*words[1:], ""], strict=True):
        if word == "--enh_asr_args":
            training = GradientRemedyTask.get_parser()._option_string_actions
            flags = [w for w in shlex.split(value) if w.startswith("--")]
            assert flags and all(flag in training for flag in flags), flags
        if word.startswith("--") and " " not in word:
            assert word[2:] in [*known, "help"], word


def test_a_wrong_snippet_would_be_seen():
    for line in (
        "./run.sh --stages 3",
        "python -m espnet2.bin.transcribed",
        'cmd_backend=slurm ./run.sh --enh_asr_args "--gradient_metod sum"',
        "make -C tools tests2",
        "python examples/none.py",
    ):
        with pytest.raises((AssertionError, ModuleNotFoundError)):
            check_command(shlex.split(line))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def find_file(path: str) -> Path:
    """A file of the repository or, if it is not there, of the installed espnet2."""
    roots = [ROOT, *(Path(part).parent for part in espnet2.__path__)]
    return next(root / path for root in roots if (root / path).is_file())


@pytest.mark.parametrize(("walk", "steps"), [("gradient", 10), ("utterance", 10)])
def test_every_file_and_function_of_the_code_path_exists(walk, steps):
    text = (ROOT / "docs/how_it_works.md").read_text(encoding="utf-8")
    section = text.split(f"## One {walk}, file by file")[1].split("\n## ")[0]
    items = re.split(r"^\d+\. ", section, flags=re.MULTILINE)[1:]
    assert len(items) == steps
    for item in items:
        ticked = re.findall(r"`([^`]+)`", item)
        code = "".join(
            find_file(name).read_text(encoding="utf-8")
            for name in ticked
            if "/" in name
        )
        for name in (name for name in ticked if re.fullmatch(r"\w+", name)):
            defined = rf"^\s*(def|class) {name}\b|^{name}\(\)"
            assert re.search(defined, code, re.MULTILINE), (name, item)


def test_the_three_cases_are_what_their_names_say(import_script):
    drawing = import_script("docs/draw_three_cases.py")
    expected = {
        "conflict": (True, False),
        "dominance": (False, True),
        "both": (True, True),
    }
    assert [title for title, *_ in drawing.CASES] == list(expected)
    for title, *vectors in drawing.CASES:
        enh, asr = (torch.tensor(vector, dtype=torch.float64) for vector in vectors)
        rows = torch.stack([enh, asr])
        seen = remedy(rows @ rows.T, drawing.THRESHOLD)
        assert (bool(seen.conflict), bool(seen.rescaled)) == expected[title]
        new_enh, new_asr = drawing.remedied(enh, asr)
        angle = math.acos(torch.cosine_similarity(new_enh, new_asr, dim=0))
        if seen.conflict:
            assert angle == pytest.approx(math.atan(enh.norm() / asr.norm()))
        stretch = 1 / math.cos(angle) if seen.rescaled else 1
        assert new_asr.norm().item() == pytest.approx(stretch * asr.norm().item())


def test_the_option_reference_is_what_the_parsers_say(import_script, capsys):
    import_script("tools/make_option_reference.py").main()
    committed = (ROOT / "docs/options.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == committed, (
        "run: python tools/make_option_reference.py > docs/options.md"
    )


def test_the_option_reference_has_every_option_of_ours_and_none_of_upstreams(
    import_script,
):
    text = (ROOT / "docs/options.md").read_text(encoding="utf-8")
    training = text.split("## Recipes")[0]
    for name in ("gradient_method", "shared_params", "enh_weight", "checkpoint_steps"):
        assert f"| `--{name}` |" in training
    assert "--max_epoch" not in training and "--optim" not in training
    for name in ("threshold", "max_stretch", "weighting_conf"):
        assert re.search(rf"^\| `{name}` \| .+ \| .+ \|$", training, re.MULTILINE)
