"""The Fisher side of the made-up tree: transcripts and tables of calls."""

import csv
import io
from pathlib import Path


def write_transcript(root: Path, call: str, lines: list) -> None:
    """Write a call's transcript, with oddities in the first, and decoys beside it."""
    part = 1 if int(call) <= 5850 else 2
    base = root / f"fe_03_p{part}_tran" / "data"
    head = f"# fe_03_{call}.sph\n# Transcpribed at the LDC\n\n"
    body = "".join(
        f"{line.start / 100:.2f} {line.end / 100:.2f} {line.side}: {line.raw}\n\n"
        for line in lines
    )
    if call == "00001":
        body += "12.00 11.50 A: backwards\nthis is no utterance\n# a comment\n"
    text = head + body
    if call == "00003":
        text = text.replace("\n", "\r\n")
    path = base / "trans" / call[:3] / f"fe_03_{call}.txt"
    decoy = base / "bbn_orig" / "trans" / call[:3] / f"fe_03_{call}.txt"
    for place, content in ((path, text), (decoy, head + "1.00 2.00 A: decoy\n")):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode())
    decoy.with_suffix(".txo").write_text("a decoy\n")


def write_calldata(root: Path, pins: dict[str, tuple[str, str]]) -> None:
    """Write the tables of both parts; call 00009 is not in them."""
    header = (
        "CALL_ID,DATE_TIME,TOPICID,SIG_GRADE,CNV_GRADE,APIN,ASX.DL,APHNUM,APHSET,"
        "APHTYP,BPIN,BSX.DL,BPHNUM,BPHSET,BPHTYP"
    )
    for part in (1, 2):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for call, (pin_a, pin_b) in pins.items():
            if (int(call) <= 5850) == (part == 1) and call != "00009":
                date = "20030101_12:00:00"
                ends = ["f.a", "15550001", "1", "1"]
                writer.writerow(
                    [call, date, "ENG01", "", "", pin_a, *ends, pin_b, *ends]
                )
        doc = root / f"fe_03_p{part}_tran" / "doc"
        doc.mkdir(parents=True, exist_ok=True)
        (doc / f"fe_03_p{part}_calldata.tbl").write_text(f"{header}\n{text.getvalue()}")
