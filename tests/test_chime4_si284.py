"""The clean training speech of WSJ0 and WSJ1: indices, packed audio, what lacks."""

from pathlib import Path

import pytest
import soundfile
from fake_chime4 import make_chime4, make_wsj1

LOCAL = "egs2/chime4/asr_with_enhancement/local"


def table(folder: Path, name: str) -> dict[str, str]:
    lines = (folder / name).read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


@pytest.fixture
def si284(import_script, tmp_path):
    script = import_script(f"{LOCAL}/prepare_si284.py")
    fake = make_chime4(tmp_path / "CHiME4")
    wsj1 = make_wsj1(tmp_path / "WSJ1", fake)
    roots = ["--roots", str(fake.root / "data/WSJ0"), str(wsj1)]

    def run(*options: str) -> Path:
        script.main([*roots, "--data_dir", str(tmp_path / "data"), *options])
        return tmp_path / "data/train_si284"

    run.script, run.wsj1, run.fake = script, wsj1, fake
    return run


def test_si284_is_both_indices_as_clean(si284):
    folder = si284()
    texts = table(folder, "text")
    words = si284.fake.texts["tr05_simu/011_011C0202_BUS"]
    assert texts["011_011C0202_CLEAN"] == words
    assert len(texts) == 6 and "460_460C0201_CLEAN" in texts
    assert set(table(folder, "utt2category").values()) == {"CLEAN"}
    assert table(folder, "wav.scp") == table(folder, "spk1.scp")
    for path in table(folder, "wav.scp").values():
        assert soundfile.info(path).samplerate == 16000


def test_packed_audio_is_unpacked_by_a_pipe_or_the_tool_is_asked_for(
    si284, monkeypatch
):
    path = si284.wsj1 / "13-16.1/wsj1/si_tr_s/460/460c0201.wv1"
    fields = ["sample_count -i 12000", "sample_rate -i 16000"]
    fields.append("sample_coding -s26 pcm,embedded-shorten-v1.09")
    head = "\n".join(["NIST_1A", "   1024", *fields, "end_head", ""])
    path.write_bytes(head.encode().ljust(1024) + bytes(6000))
    monkeypatch.setattr(si284.script.shutil, "which", lambda name: None)
    with pytest.raises(
        si284.script.DataError, match="460c0201.wv1 is packed.*sph2pipe"
    ):
        si284()
    monkeypatch.setattr(si284.script.shutil, "which", lambda name: name)
    entry = table(si284(), "wav.scp")["460_460C0201_CLEAN"]
    assert entry == f"sph2pipe -f wav -p -c 1 '{path}' |"
    path.write_bytes(path.read_bytes()[:1100])
    folder = si284("--max_skipped", "0.5")
    assert "460_460C0201_CLEAN" not in table(folder, "text")
    assert "cut off" in (folder.parent / "report/skipped_si284.tsv").read_text()


def test_si284_says_what_it_lacks(si284):
    (si284.wsj1 / "13-16.1/wsj1/si_tr_s/460/460c0202.wv1").unlink()
    with pytest.raises(
        si284.script.DataError, match="1 of 6 utter.*460c0202: no audio"
    ):
        si284()
    (si284.wsj1 / "13-34.1/wsj1/doc/indices/si_tr_s.ndx").unlink()
    with pytest.raises(si284.script.DataError, match="no si_tr_s.ndx below"):
        si284()
