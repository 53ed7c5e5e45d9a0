"""The conflict report: what the log says, in words and in a picture."""

import numpy as np
import pytest
import yaml
from matplotlib.figure import Figure

from espnet2.bin.gradient_report import main
from espnet2.results.gradient_history import read_history
from espnet2.results.gradient_picture import draw
from espnet2.results.gradient_verdict import Method, describe, read_method
from espnet2.train.gradient_log import GradientLog

NAMES = ["enh_model.low", "enh_model.high"]


def write_log(exp, epoch: int, rows: list, steps: int = 8) -> None:
    """An epoch of equal steps; rows of (cosine, ratio, rescaled, stretch)."""
    log = GradientLog(exp, epoch)
    figures = [[c, ratio, c < 0, rescaled, s] for c, ratio, rescaled, s in rows]
    for _ in range(steps):
        log.add(NAMES, np.array(figures, dtype=np.float64))
    log.save()


def write_config(exp, method: str = "remedy", **conf: float) -> None:
    content = {"gradient_method": method, "gradient_conf": {"threshold": 5.0, **conf}}
    (exp / "config.yaml").write_text(yaml.safe_dump(content))


CALM, FIGHT = (0.5, 1.0, 0, 1.0), (-0.5, 100.0, 1, 1000.0)


def test_epochs_stand_in_a_row_in_the_order_of_their_numbers(tmp_path):
    write_log(tmp_path, 10, [CALM, FIGHT])
    write_log(tmp_path, 9, [CALM, CALM])
    history = read_history(tmp_path)
    assert history.names == NAMES
    assert history.steps.tolist() == list(range(1, 17))
    assert history.conflict[:, 1].tolist() == [0] * 8 + [1] * 8
    assert history.share("conflict") == 0.25
    assert history.mean("log_ratio")[-1].tolist() == [0, 2]


def test_percentiles_of_the_stretch_are_those_of_all_decisions(tmp_path):
    write_log(tmp_path, 1, [CALM, (0.1, 9.0, 1, 50.0)])
    history = read_history(tmp_path)
    assert history.stretch_percentile(50) == 1
    assert history.stretch_percentile(99) == pytest.approx(50, rel=0.05)


def test_the_verdict_names_share_tensor_time_ratio_and_stretch(tmp_path):
    write_log(tmp_path, 1, [CALM, CALM])
    write_log(tmp_path, 2, [CALM, FIGHT])
    text = "\n".join(describe(read_history(tmp_path), Method("remedy", 5.0)))
    assert "conflict: 25%" in text
    assert "most in enh_model.high (50%) and in the last third" in text
    assert "median 1 at first" in text and "10 at last" in text
    assert "SE dominates, over 5 in 25%" in text
    assert "rescaled 25%" in text and "largest 1e+03" in text
    assert "try rescale: compress, max_stretch: dynamic" in text


@pytest.mark.parametrize(
    ("rows", "advice"),
    [
        ([CALM, CALM], "expect no gain"),
        ([CALM, (-0.5, 1.0, 0, 1.0)], "projection would act"),
        ([CALM, (0.5, 100.0, 0, 1.0)], "rescale would act"),
        ([CALM, (-0.5, 100.0, 0, 1.0)], "projection and rescale would act"),
        ([(0.5, 0.01, 0, 1.0)] * 2, "raise enh_weight"),
    ],
)
def test_a_probe_of_the_plain_sum_says_what_would_help(tmp_path, rows, advice):
    write_log(tmp_path, 1, rows)
    assert advice in "\n".join(describe(read_history(tmp_path), Method("sum", 5.0)))


def test_what_is_of_the_running_mean_is_said_to_be(tmp_path, monkeypatch):
    """Its ratio, several times larger, was read as the step's, and as dominance."""
    shown = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *a, **k: shown.append(figure))
    write_log(tmp_path, 1, [CALM, FIGHT])
    for smoothing, asr in ((0.98, "running mean of G_ASR"), (0.0, "G_ASR")):
        write_config(tmp_path, smoothing=smoothing)
        method, history = read_method(tmp_path), read_history(tmp_path)
        text = "\n".join(describe(history, method))
        assert f"norm ratio |G_SE|/|{asr}|:" in text
        assert ("SE dominates" in text) == (smoothing == 0)
        draw(history, method, "", tmp_path)
        angles, ratios = shown[-1].axes[:2]
        assert angles.get_ylabel() == f"degrees between G_SE and {asr}"
        assert ratios.get_ylabel() == f"|G_SE| / |{asr}|"


@pytest.mark.slow
def test_the_command_prints_the_verdict_and_draws(tmp_path, capsys):
    write_config(tmp_path)
    write_log(tmp_path, 1, [CALM, FIGHT])
    main([str(tmp_path)])
    assert "conflict: 50%" in capsys.readouterr().out
    picture = (tmp_path / "images" / "gradient_report.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 10_000


def test_what_is_missing_or_broken_is_one_line(tmp_path):
    with pytest.raises(SystemExit, match="config.yaml: is no config"):
        main([str(tmp_path)])
    write_config(tmp_path, "sum")
    with pytest.raises(SystemExit, match="probe=true"):
        main([str(tmp_path)])
    write_log(tmp_path, 1, [CALM, CALM])
    log = tmp_path / "gradient_log" / "1.npz"
    log.write_bytes(log.read_bytes()[:100])
    with pytest.raises(SystemExit, match="1.npz: is no log of gradients"):
        main([str(tmp_path)])
