"""Sentences of made-up radio traffic from a small grammar, upper-case.

A sentence is a call sign followed by one order or answer, 4 to 10 words, out of a
vocabulary of 73 words: the spelling alphabet, the digits and procedure words. No
two words of it sound alike (so neither TO nor FOR). The same as a JSGF grammar:

    python local/radio_text.py > conf/grammar.jsgf
"""

import numpy as np

from espnet2.data_dir.tables import DataError

LETTERS = (
    "ALPHA BRAVO CHARLIE DELTA ECHO FOXTROT GOLF HOTEL INDIA JULIET KILO LIMA MIKE "
    "NOVEMBER OSCAR PAPA QUEBEC ROMEO SIERRA TANGO UNIFORM VICTOR WHISKEY XRAY "
    "YANKEE ZULU"
).split()
DIGITS = "ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINER".split()

# A word in angle brackets is drawn from its class, any other stands for itself.
CLASSES = {
    "<letter>": LETTERS,
    "<digit>": DIGITS,
    "<turn>": ["LEFT", "RIGHT"],
    "<climb>": ["CLIMB", "DESCEND"],
    "<wind>": ["NORTH", "SOUTH", "EAST", "WEST"],
    "<station>": ["TOWER", "BASE"],
    "<answer>": ["ROGER", "AFFIRM", "NEGATIVE", "COPY"],
    "<end>": ["OVER", "OUT"],
}
CALL_SIGNS = [
    "<letter> <digit>",
    "<letter> <digit> <digit>",
    "<letter> <letter> <digit>",
]
MESSAGES = [
    "TURN <turn> HEADING <digit> <digit> <digit>",
    "<climb> FLIGHT LEVEL <digit> <digit>",
    "MAINTAIN SPEED <digit> <digit> KNOTS",
    "ALTITUDE <digit> THOUSAND FEET <end>",
    "CONTACT <station> CHANNEL <digit> <digit>",
    "REPORT POSITION <end>",
    "TARGET BEARING <digit> <digit> <digit> MOVING <wind>",
    "HOLD POSITION SECTOR <letter>",
    "RETURN <station> <end>",
    "<answer> <letter> <letter> <letter>",
    "<answer> SECTOR <letter> <digit>",
    "STANDBY CHANNEL <digit> <end>",
    "<answer> <end>",
]


def vocabulary() -> list[str]:
    """All words a sentence can hold, sorted."""
    parts = [part for form in CALL_SIGNS + MESSAGES for part in form.split()]
    return sorted({word for part in parts for word in CLASSES.get(part, [part])})


def jsgf() -> str:
    """The grammar of all sentences in JSGF."""
    rules = {
        "public <sentence>": ["<call_sign> <message>"],
        "<call_sign>": CALL_SIGNS,
        "<message>": MESSAGES,
        **CLASSES,
    }
    lines = [f"{name} = {' | '.join(forms)};" for name, forms in rules.items()]
    return "\n".join(["#JSGF V1.0;", "grammar mini_radio;", *lines, ""])


def draw_sentence(rng: np.random.Generator) -> str:
    """One sentence: a call sign, then a message."""
    form = f"{_pick(CALL_SIGNS, rng)} {_pick(MESSAGES, rng)}"
    return " ".join(_pick(CLASSES.get(part, [part]), rng) for part in form.split())


def draw_sentences(count: int, rng: np.random.Generator, taken: set[str]) -> list[str]:
    """``count`` sentences that differ from each other and from those ``taken``.

    The same state of ``rng`` gives the same sentences. They are added to ``taken``.

    Raises:
        DataError: If the grammar gives no new sentence in 1000 tries.
    """
    sentences: list[str] = []
    while len(sentences) < count:
        tries = (draw_sentence(rng) for _ in range(1000))
        sentence = next((tried for tried in tries if tried not in taken), None)
        if sentence is None:
            raise DataError(
                f"the grammar gave only {len(taken)} different sentences; ask for "
                f"fewer than {len(taken)} utterances in all"
            )
        taken.add(sentence)
        sentences.append(sentence)
    return sentences


def _pick(choices: list[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


if __name__ == "__main__":
    print(jsgf(), end="")
