"""Who says what: the voices and sentences of each set of the toy corpus."""

import numpy as np
from radio_text import draw_sentences

from espnet2.radio.utterance import Utterance

VOICES = {
    "train": (
        "m1 m4 m5 m6 m7 m8 f1 f2 f5 Alex Annie Denis Mike Nguyen adam aunty belinda "
        "boris david ed grandma grandpa gustave john klatt3 linda marcelo max michel "
        "miguel norbert pablo paul rob robert sandro shelby steph travis pedro"
    ).split(),
    "valid": "m2 f3 Mario quincy".split(),
    "test": "m3 f4 Michael victor".split(),
}


def plan_corpus(counts: dict[str, int], seed: int) -> list[list[Utterance]]:
    """What each voice says: one list per voice, no sentence twice in the corpus.

    The test set comes first, so that it does not depend on the size of the others,
    which are the ``counts``.
    """
    taken: set[str] = set()
    plan = []
    for set_name in ("test", "valid", "train"):
        rng = np.random.default_rng([seed, *set_name.encode()])
        sentences = draw_sentences(counts[set_name], rng, taken)
        voices = VOICES[set_name]
        said = [
            Utterance(set_name, voices[number % len(voices)], number, text)
            for number, text in enumerate(sentences)
        ]
        plan += [said[i :: len(voices)] for i in range(min(len(voices), len(said)))]
    return plan
