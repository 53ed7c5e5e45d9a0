"""The sources of the made-up tree and what is wrong with each."""

from dataclasses import dataclass


@dataclass
class Spec:
    """A source: the call, the name its table gives it, and what is wrong with it."""

    src_id: str
    call: str
    side: str
    src_file: str
    part: str = "train"
    delta: float = 0.0  # s, channel minus source, as the tables say
    residual: float = 0.0  # s, by which the sound is later still
    shift: float = 0.0  # s, source minus Fisher
    count: int = 8  # utterances of a side
    status: str = "ok"
    corpus: str = "fisher"


SPECS = [
    Spec("10001", "00001", "A", "fe_03_00001-A.sph", delta=0.737, count=22),
    Spec("10002", "00001", "B", "fe_03_00001-B.sph", delta=-0.412, count=22),
    Spec("10003", "05852", "A", "fe_03_05852-A.sph", "dev-1"),
    Spec("10004", "00011", "A", "x_y.wav", corpus="rats", status=""),
    Spec("10005", "00002", "A", "fe_03_00002-A.sph", status="no_channel_A"),
    Spec("10006", "00003", "B", "audio/000/fe_03_00003.sph", delta=3.25),
    Spec("10007", "00004", "B", "fe_03_00004-A.sph", status="side_conflict"),
    Spec("10008", "05853", "B", "fe_03_05853_B.sph", "dev-2", delta=-1.003),
    Spec("10009", "00005", "B", "eng/00005_2.wav", delta=0.25, residual=0.005),
    Spec("10010", "00006", "A", "fe_03_00006-A.sph", delta=0.5, status="drift"),
    Spec("10011", "00007", "A", "fe_03_00007.A", delta=0.1, shift=-1.5),
    Spec("10012", "00008", "A", "fe_03_00008-A.sph", status="no_audio"),
    Spec("10013", "00012", "A", "noname.sph", status="no_call"),
    Spec("10014", "00009", "A", "fe_03_00009-A.sph", status="no_speaker"),
    Spec("10016", "00010", "A", "fe_03_00010-A.sph", status="no_transcript"),
    Spec("10017", "00013", "A", "fe_03_00013-A.sph", status="no_session"),
]
