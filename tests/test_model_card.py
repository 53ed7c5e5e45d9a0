"""The model card and the upload: figures, a snippet that runs, a token kept secret."""

import re
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from unittest import mock

import pytest
import soundfile
import yaml
from demo_model import EXP, TOKENS, make_demo, pack_demo

UTILS = Path("egs2/TEMPLATE/asr_with_enhancement/pyscripts/utils")
WER = "|decode_asr/test|400|2855|91.2|6.1|2.7|0.7|9.5|40.1|"
ENHANCED = "|enhanced_test|1.59 nb|77.98|5.9|5.9|inf|5.21|"
TOKEN = "hf_secretsecretsecret"


@pytest.fixture
def packed(tmp_path, monkeypatch) -> Path:
    """A recipe folder's packed model, the folder being the current one."""
    make_demo(tmp_path)
    results = f"# RESULTS\n## Environments\n- Git hash: `abc1234`\n\n## {EXP}\n"
    (tmp_path / EXP / "RESULTS.md").write_text(f"{results}\n### WER\n\n{WER}\n")
    (tmp_path / EXP / "RESULTS_enh.md").write_text(f"# RESULTS\n## {EXP}\n{ENHANCED}\n")
    monkeypatch.chdir(tmp_path)
    return pack_demo(tmp_path, monkeypatch, TOKENS)


@pytest.fixture
def script(repo_root, repo_env):
    """Run one of the two scripts in the current folder."""

    def run(name: str, *words: str | Path) -> subprocess.CompletedProcess:
        command = [sys.executable, str(repo_root / UTILS / name), *map(str, words)]
        # Nothing to log in with: no test may reach the network.
        env = {**repo_env, "HF_TOKEN": "", "HF_HOME": "no_home", "HF_HUB_OFFLINE": "1"}
        return subprocess.run(command, env=env, capture_output=True, text=True)

    return run


def card(script, packed: Path, *words: str) -> str:
    done = script(
        "model_card.py", "--exp", EXP, "--repo", "me/demo", "--packed", packed, *words
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_front_matter_says_what_the_user_said_and_no_more(script, packed):
    said = card(script, packed, "--license", "cc-by-4.0", "--language", "en")
    front = yaml.safe_load(said.split("---\n")[1])
    assert {"espnet", "automatic-speech-recognition"} < set(front["tags"])
    assert (front["license"], front["language"]) == ("cc-by-4.0", "en")
    front = yaml.safe_load(card(script, packed).split("---\n")[1])
    assert not {"license", "language"} & set(front)


def test_the_card_has_the_measured_figures_method_seed_and_commit(script, packed):
    text = card(script, packed)
    for part in (WER, ENHANCED, "- Git hash: `abc1234`", "- gradient_method: `remedy`"):
        assert part in text
    assert "- seed: `0`" in text
    assert (packed.parent / EXP / "config.yaml").read_text() in text


def test_the_cards_snippet_runs_where_only_the_uploaded_files_are(
    script, packed, tmp_path, monkeypatch
):
    (code,) = re.findall(r"```python\n(.*?)```", card(script, packed), re.DOTALL)
    assert "fs=8000" in code
    with zipfile.ZipFile(packed) as archive:
        archive.extractall("elsewhere/model")
    names = {"speech": soundfile.read("noisy.wav")[0]}
    for left in ("exp", "data"):
        (tmp_path / left).rename(tmp_path / f"gone_{left}")
    monkeypatch.chdir("elsewhere/model")
    exec(code, names)
    assert names["text"].strip()
    assert names["enhanced"].shape == names["speech"].shape


def test_the_snippet_says_what_espnet_alone_does_not_know(script, packed):
    (code,) = re.findall(r"```python\n(.*?)```", card(script, packed), re.DOTALL)
    assert "add_own_separators" not in code
    path = packed.parent / EXP / "config.yaml"
    changed = {**yaml.safe_load(path.read_text()), "enh_separator": "global_mvn_blstm"}
    path.write_text(yaml.safe_dump(changed))
    (ours,) = re.findall(r"```python\n(.*?)```", card(script, packed), re.DOTALL)
    assert "know enh_separator: global_mvn_blstm\n" in ours
    more = ours.split("import SeparateSpeech\n")[1].split("model = ")[0]
    exec(more, {})
    assert ours.replace(more, "\n") == code


@pytest.mark.slow
def test_missing_parts_name_the_stage_that_makes_them(script, packed):
    (packed.parent / EXP / "RESULTS_enh.md").unlink()
    assert "## Enhancement" not in card(script, packed)  # real recordings have none
    words = ["--exp", EXP, "--repo", "me/demo", "--packed"]
    assert "run stage 16" in script("model_card.py", *words, "none.zip").stderr
    (packed.parent / EXP / "RESULTS.md").unlink()
    assert "stage 14" in script("model_card.py", *words, packed).stderr


def test_without_a_token_the_files_are_listed_and_nothing_is_sent(script, packed):
    Path("card.md").write_text(card(script, packed))
    done = script(
        "upload_model.py", "--repo", "me/demo", "--packed", packed, "--card", "card.md"
    )
    assert done.returncode == 0, done.stderr
    assert "Dry run" in done.stdout
    names = {line.split()[-1] for line in done.stdout.splitlines()[1:]}
    assert {"README.md", "meta.yaml", str(TOKENS), f"{EXP}/config.yaml"} <= names


@pytest.fixture
def uploader(import_script, tmp_path):
    """The script as a module, and a folder to upload."""
    (tmp_path / "model/exp").mkdir(parents=True)
    (tmp_path / "model/README.md").write_text("card")
    (tmp_path / "model/exp/config.yaml").write_text("a: 1")
    return import_script(UTILS / "upload_model.py"), tmp_path / "model"


def hugging_face_api() -> mock.MagicMock:
    """HfApi's twin that sends nothing; with its true signatures if it is installed."""
    try:
        from huggingface_hub import HfApi
    except ImportError:
        return mock.MagicMock()
    return mock.create_autospec(HfApi)


def test_with_a_token_the_folder_is_uploaded_and_the_token_not_printed(
    uploader, capsys
):
    module, folder = uploader
    make_api = hugging_face_api()
    module.upload(folder, "me/demo", TOKEN, make_api)
    make_api.assert_called_once_with(token=TOKEN)
    make_api.return_value.create_repo.assert_called_once_with("me/demo", exist_ok=True)
    sent = make_api.return_value.upload_folder.call_args.kwargs
    assert (sent["repo_id"], sent["folder_path"]) == ("me/demo", folder)
    printed = capsys.readouterr()
    assert "Uploaded 2 files" in printed.out
    assert TOKEN not in printed.out + printed.err


def test_a_failed_upload_is_one_line_without_the_token(uploader):
    module, folder = uploader
    make_api = hugging_face_api()
    make_api.return_value.create_repo.side_effect = OSError(f"401 for {TOKEN}")
    with pytest.raises(Exception, match="me/demo: the upload failed: 401") as raised:
        module.upload(folder, "me/demo", TOKEN, make_api)
    assert type(raised.value).__name__ == "DataError"
    assert TOKEN not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_dry_run_asks_for_no_service(uploader, capsys):
    module, folder = uploader
    make_api = hugging_face_api()
    module.upload(folder, "me/demo", None, make_api)
    make_api.assert_not_called()
    assert "exp/config.yaml" in capsys.readouterr().out


def test_the_token_is_hugging_faces_own(uploader, monkeypatch, capsys):
    module, _ = uploader
    library = types.SimpleNamespace(get_token=lambda: TOKEN)
    monkeypatch.setitem(sys.modules, "huggingface_hub", library)
    assert module.find_token() == TOKEN
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert module.find_token() is None
    printed = capsys.readouterr().out
    assert "pip install huggingface_hub" in printed and TOKEN not in printed


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/out.txt", "a/../../out.txt"])
def test_a_zip_that_leaves_its_folder_is_refused(uploader, tmp_path, name):
    module, _ = uploader
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(Exception, match="lies outside"):
        module.unpack(tmp_path / "bad.zip", tmp_path / "folder")


def test_a_repository_without_a_user_is_an_error(script, packed):
    done = script(
        "upload_model.py", "--repo", "demo", "--packed", packed, "--card", "card.md"
    )
    assert done.returncode == 1
    assert "--repo demo: expected <user>/<name>" in done.stderr
