"""Token lists: training them, and comparing text with them."""

import subprocess

import pytest
import sentencepiece
from in_process import run_script

TEXT = "egs2/TEMPLATE/asr_with_enhancement/pyscripts/text"
WORDS = "alpha bravo charlie delta echo foxtrot golf hotel india juliet".split()


@pytest.fixture
def call(repo_root):
    """Run a script of pyscripts/text and return what came of it."""
    return lambda name, *words: run_script(repo_root / TEXT / name, *words)


@pytest.fixture
def text(tmp_path):
    lines = [
        f"u{n:02d} {' '.join(WORDS[(n + k) % 10] for k in (0, 1, 3))}\n"
        for n in range(10)
    ]
    path = tmp_path / "my text"
    path.write_text("".join(lines))
    return path


@pytest.mark.parametrize("mode", ["unigram", "bpe"])
def test_the_token_list_has_espnets_order_and_size(call, text, tmp_path, mode):

    out = tmp_path / "to kens"
    done = call("train_bpe.py", "--text", text, "--nbpe", 30, "--bpemode", mode, out)
    assert done.returncode == 0, done.stderr
    tokens = (out / "tokens.txt").read_text().splitlines()
    assert tokens[:2] == ["<blank>", "<unk>"] and tokens[-1] == "<sos/eos>"
    model = sentencepiece.SentencePieceProcessor(model_file=str(out / "bpe.model"))
    assert tokens[2:-1] == [model.id_to_piece(n) for n in range(3, 30)]
    assert len(tokens) == 30
    assert (out / "train.txt").read_text().startswith("alpha bravo delta\n")


def test_the_text_is_not_normalised(call, tmp_path):

    (tmp_path / "text").write_text("a ﬁx ＡＢ\nb ﬁx ＡＢ c d e\n")
    out = tmp_path / "t"
    done = call("train_bpe.py", "--text", tmp_path / "text", "--nbpe", 12, out)
    assert done.returncode == 0, done.stderr
    model = sentencepiece.SentencePieceProcessor(model_file=str(out / "bpe.model"))
    assert model.decode(model.encode("ﬁx ＡＢ")) == "ﬁx ＡＢ"


@pytest.mark.parametrize("mode", ["unigram", "bpe"])
def test_too_many_tokens_are_refused_with_the_largest_possible(
    call, text, tmp_path, mode
):
    out = tmp_path / "t"
    words = ["--text", text, "--bpemode", mode, out]
    done = call("train_bpe.py", "--nbpe", 5000, *words)
    assert done.returncode == 1
    assert "too small for --nbpe 5000: at most " in done.stderr
    assert "Traceback" not in done.stderr and not out.exists()
    most = int(done.stderr.split("at most ")[1].split()[0])
    assert call("train_bpe.py", "--nbpe", most, *words).returncode == 0


def test_too_few_tokens_are_refused_with_the_least_possible(call, text, tmp_path):
    out = tmp_path / "t"
    done = call("train_bpe.py", "--text", text, "--nbpe", 5, out)
    assert done.returncode == 1
    assert "below the number of characters in the text: at least " in done.stderr
    assert "Traceback" not in done.stderr


def test_empty_text_is_refused(call, tmp_path):
    (tmp_path / "text").write_text("a\nb\n")
    done = call(
        "train_bpe.py", "--text", tmp_path / "text", "--nbpe", 9, tmp_path / "t"
    )
    assert done.returncode == 1 and "there is no text" in done.stderr


@pytest.fixture
def check_chars(call, tmp_path):
    """Compare texts with a list of the characters a, b and the space."""

    def run(train: str, valid: str) -> subprocess.CompletedProcess:
        tokens = "<blank>\n<unk>\n<space>\na\nb\n<sos/eos>\n"
        for name, content in [("tok", tokens), ("tr", train), ("va", valid)]:
            (tmp_path / name).write_text(content)
        return call(
            "check_tokens.py",
            *("--token_list", tmp_path / "tok", "--token_type", "char"),
            *("--train", tmp_path / "tr", "--valid", tmp_path / "va"),
        )

    return run


def test_known_text_passes(check_chars):
    done = check_chars("u1 ab b\n", "u2 a b\n")
    assert done.returncode == 0 and "warning" not in done.stderr


def test_unknown_tokens_in_training_text_are_an_error(check_chars):
    done = check_chars("u1 ab\nu2 axy\n", "u3 a\n")
    assert done.returncode == 1
    assert "tr: utterance u2: not in the token list: x y" in done.stderr
    assert "u1" not in done.stderr and "Traceback" not in done.stderr


def test_unknown_tokens_in_validation_text_are_a_warning(check_chars):
    done = check_chars("u1 ab\n", "u3 az\n")
    assert done.returncode == 0
    assert "warning" in done.stderr and "u3: not in the token list: z" in done.stderr


def test_bpe_text_is_split_by_the_model(call, text, tmp_path):
    out = tmp_path / "t"
    assert call("train_bpe.py", "--text", text, "--nbpe", 30, out).returncode == 0
    (tmp_path / "valid").write_text("v1 alpha\nv2 alphaß\n")
    done = call(
        "check_tokens.py",
        *("--token_list", out / "tokens.txt", "--token_type", "bpe"),
        *("--bpemodel", out / "bpe.model"),
        *("--train", text, "--valid", tmp_path / "valid"),
    )
    assert done.returncode == 0, done.stderr
    assert "utterance v2" in done.stderr and "utterance v1" not in done.stderr


def test_a_token_list_with_a_token_twice_is_refused(import_script, tmp_path):
    script = import_script(f"{TEXT}/check_tokens.py")
    (tmp_path / "tok").write_text("a\nb\na\n")
    with pytest.raises(script.DataError, match="tok:3: token a stands in line 1 too"):
        script.read_tokens(tmp_path / "tok")
