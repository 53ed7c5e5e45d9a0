"""A small made-up RATS and Fisher tree in which everything is known.

The layout, file formats and oddities are those of LDC2015S02 and LDC2004T19/LDC2005T19;
the sound is noise and the texts are made up here.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from fake_rats_fisher import write_calldata, write_transcript
from fake_rats_specs import SPECS, Spec

RATE = 16000
WORDS = (
    "red blue green tower river bridge seven nine hello copy over roger wait".split()
)
# Raw text, what becomes of it, and whether that is a reason to be dropped.
ODD_TEXTS = [
    ("(( )) ", "uncertain"),
    ("[laughter] delta echo", "=delta echo"),
    ("c._n._n. is on", "=c n n is on"),
    ("i want an- an apple", "=i want an an apple"),
    ("(( maybe this )) no", "uncertain"),
    ("[noise]", "no_words"),
    ("they're o._k.", "=they're o k"),
    ("Hello  [mn] [lipsmack]there", "=hello there"),
]


@dataclass
class Line:
    """An utterance of the truth, times in hundredths of a second of the call."""

    start: int
    end: int
    side: str
    raw: str
    result: str  # "=text", or the reason why it is dropped

    def utt_id(self, pin: str, call: str) -> str:
        return f"fe_03_{pin}-{call}-{self.side}-{self.start:06d}-{self.end:06d}-A"


@dataclass
class Truth:
    """What a right preparation finds."""

    rats: Path
    fisher: Path
    status: dict[str, str] = field(default_factory=dict)
    side: dict[str, str] = field(default_factory=dict)
    delta: dict[str, float] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)  # kept, by utterance id
    dropped: dict[str, str] = field(default_factory=dict)
    part: dict[str, str] = field(default_factory=dict)  # by utterance id
    pins: dict[str, tuple[str, str]] = field(default_factory=dict)  # by call

    def files(self) -> list[Path]:
        found = [*self.rats.rglob("*"), *self.fisher.rglob("*")]
        return sorted(path for path in found if path.is_file())


def make_tree(root: Path, headers: bool = True) -> Truth:
    """Write ``root/RATS`` and ``root/FISHER``; ``headers``: of RATS's tables."""
    rng = np.random.default_rng(7)
    truth = Truth(root / "RATS", root / "FISHER")
    calls: dict[str, list[Line]] = {}
    for number, spec in enumerate(SPECS):
        if spec.call not in calls:
            calls[spec.call] = _draw_call(spec, rng)
            pin = 1781 if spec.call == "00003" else 40000 + 997 * number
            truth.pins[spec.call] = ("1781" if number == 0 else str(pin - 7), str(pin))
        truth.side[spec.src_id] = spec.side
        if spec.status:
            truth.status[spec.src_id] = spec.status
        _record(truth, spec, calls[spec.call])
        if spec.status not in ("no_call", "no_session", "no_channel_A", ""):
            _write_session(truth.rats / "RATS_SAD", spec, calls[spec.call], rng)
    for call, lines in calls.items():
        if call != "00010":
            write_transcript(truth.fisher, call, lines)
    write_calldata(truth.fisher, truth.pins)
    _write_docs(truth.rats / "RATS_SAD" / "docs", headers)
    return truth


def _draw_call(spec: Spec, rng: np.random.Generator) -> list[Line]:
    """Turns of A and B, and in the first call every oddity of side A."""
    lines, now = [], 160
    for turn in range(2 * spec.count):
        end = now + int(rng.integers(70, 160))
        text = " ".join(rng.choice(WORDS, size=rng.integers(2, 6)))
        lines.append(Line(now, end, "AB"[turn % 2], text, f"={text}"))
        now = end + int(rng.integers(25, 60))
    if spec.src_id == "10001":
        for name in "AB":
            side = [line for line in lines if line.side == name]
            side[14].result = side[16].result = "not_transmitted"
        side = [line for line in lines if line.side == "A"]
        for line, (raw, result) in zip(side[3:], ODD_TEXTS, strict=False):
            line.raw, line.result = raw, result
        lines.append(Line(2000, 6000, "A", "much too long", "too_long"))
        lines.append(Line(side[20].end + 5, side[20].end + 10, "A", "uh", "too_short"))
    return lines


def _record(truth: Truth, spec: Spec, lines: list[Line]) -> None:
    if spec.status != "ok":
        return
    truth.delta[spec.src_id] = spec.delta + spec.residual
    pin = truth.pins[spec.call]["AB".index(spec.side)]
    for line in lines:
        if line.side == spec.side:
            key = line.utt_id(pin, spec.call)
            truth.part[key] = spec.part
            if line.result.startswith("="):
                truth.texts[key] = line.result[1:]
            else:
                truth.dropped[key] = line.result


def _write_session(
    root: Path, spec: Spec, lines: list[Line], rng: np.random.Generator
) -> None:
    """Sound and SAD tables of the source and of channel A."""
    said = sorted(
        (line.start / 100 + spec.shift, line.end / 100 + spec.shift)
        for line in lines
        if line.side == spec.side and line.result not in ("too_long", "too_short")
    )
    length = said[-1][1] + 2.0
    lost = [said[14], (said[16][0] + 0.3, said[16][0] + 0.42)] if len(said) > 20 else []
    lost += [(said[18][0] + 0.2, said[18][0] + 0.22)] if lost else []  # too little
    source = _bursts(said, length, rng)
    late = round((spec.delta + spec.residual) * RATE)
    channel = rng.normal(0, 300, len(source) + late + RATE)
    first = max(0, late)
    heard = source[first - late :]
    channel[first : first + len(heard)] += 0.7 * heard
    for start, end in lost:
        channel[round(start * RATE) + late : round(end * RATE) + late] = 0
    drift = 0.05 / length if spec.status == "drift" else 0.0
    names = f"{spec.src_id}_eng_src", f"{spec.src_id}_2{spec.src_id[1:]}_eng_A"
    middle = "eng/" if spec.part == "train" else ""
    rows = (
        _rows(said, [], length, 0.0, 0.0),
        _rows(said, lost, len(channel) / RATE, spec.delta, drift),
    )
    for name, samples, table in zip(names, (source, channel), rows, strict=True):
        folder = f"{middle}{name.rsplit('_', 1)[1]}"
        _write_sad(root / "data" / spec.part / "sad" / folder, name, spec, table)
        flac = root / "data" / spec.part / "audio" / folder / f"{name}.flac"
        flac.parent.mkdir(parents=True, exist_ok=True)
        if spec.status != "no_audio":
            data = np.clip(samples, -32768, 32767).astype(np.int16)
            soundfile.write(flac, data, RATE, subtype="PCM_16")


def _write_sad(
    folder: Path, name: str, spec: Spec, rows: list[tuple[float, float, str]]
) -> None:
    end = "\r\n" if spec.src_id == "10006" else "\n"
    rest = f"manual\t\t\teng\tmanual\t\t{end}"
    text = "".join(
        f"{spec.part}\t{name}\t{a:.3f}\t{b:.3f}\t{label}\t{rest}"
        for a, b, label in rows
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.tab").write_bytes(text.encode())


def _bursts(
    said: list[tuple[float, float]], length: float, rng: np.random.Generator
) -> np.ndarray:
    """Noise from 300 to 3400 Hz at the given times, and a little everywhere."""
    count = round(length * RATE)
    spectrum = np.fft.rfft(rng.normal(size=count))
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    gain = np.full(count, 20.0)
    for start, end in said:
        gain[round(start * RATE) : round(end * RATE)] = 6000
    return np.fft.irfft(spectrum, count) * gain


def _rows(
    said: list[tuple[float, float]],
    lost: list[tuple[float, float]],
    length: float,
    delta: float,
    drift: float,
) -> list[tuple[float, float, str]]:
    """SAD rows: NS, and S divided by NT and RX, from 0 to the end."""
    rows, now = [], 0.0
    for start, end in said:
        a, b = start + delta + drift * start, end + delta + drift * end
        rows.append((now, a, "NS"))
        now = a
        for number, (x, y) in enumerate(lost):
            if start <= x and y <= end:
                if x + delta > now:
                    rows.append((now, x + delta, "S"))
                rows.append((x + delta, y + delta, "NT" if number else "RX"))
                now = y + delta
        if b > now:
            rows.append((now, b, "S"))
        now = b
    return [*rows, (now, length, "NS")]


def _write_docs(docs: Path, headers: bool) -> None:
    docs.mkdir(parents=True, exist_ok=True)
    sources, sessions = [], []
    if headers:
        sources.append("SRC_ID\tCORPUS\tLNG\tSRC_FILE\tMINUTES\tPART")
        sessions.append("RETRANS_ID\tSTART\tN_PTT\tCHANNELS\tPART")
    for spec in SPECS:
        lng = "eng" if spec.corpus == "fisher" else "alv"
        row = [spec.src_id, spec.corpus, lng, spec.src_file, "0.50", spec.part]
        sources.append("\t".join(row))
        channels = "_BCDEFGH" if spec.status == "no_channel_A" else "ABCDE_GH"
        if spec.status != "no_session":
            session = f"{spec.src_id}_2{spec.src_id[1:]}"
            row = [session, "20110101_000000", "3", channels, spec.part]
            sessions.append("\t".join(row))
    (docs / "source_file_info.tab").write_text("\n".join(sources) + "\n\n")
    (docs / "retrans_fileset_info.tab").write_text("\r\n".join(sessions) + "\r\n")
    (docs / "README.txt").write_text("made up\n")
