"""Separators of ours, beside upstream's in the choices of its tasks.

Stock ESPnet does not know them: whatever reads a model that has one calls
``add_own_separators`` first, as the programs of this repository do.
"""

from espnet2.enh.global_mvn_blstm import GlobalMVNBLSTM
from espnet2.enh.own_names import GLOBAL_MVN_BLSTM
from espnet2.tasks import enh, enh_s2t

OWN_SEPARATORS = {GLOBAL_MVN_BLSTM: GlobalMVNBLSTM}


def add_own_separators() -> None:
    """Have upstream's SE and joint tasks build ours, too, from here on."""
    for choices in (enh.separator_choices, enh_s2t.enh_separator_choices):
        choices.classes.update(OWN_SEPARATORS)
