"""The players and spectrograms of one utterance."""

import math
from typing import NamedTuple

from espnet2.result_page.cells import number
from espnet2.result_page.sound import (
    MAX_SECONDS,
    Sound,
    flac_uri,
    level_gains,
    read_sound,
)
from espnet2.result_page.spectrogram import level_map, pictures


class Player(NamedTuple):
    """One player with its spectrogram.

    Attributes:
        name: what is heard: Noisy, Enhanced, Clean.
        sound: ``data:`` URI.
        picture: ``data:`` URI.
        level: how much it was raised or lowered, in words.
        seconds: what is embedded, which is what the picture's width stands for.
        kilohertz: what the picture's height stands for.
    """

    name: str
    sound: str
    picture: str
    level: str
    seconds: str
    kilohertz: str


class Media(NamedTuple):
    """What can be heard of an utterance, and sentences on what cannot."""

    players: list[Player]
    notes: list[str]


def make_media(paths: dict[str, str]) -> Media:
    """Return the players of an utterance's files, name -> path, equally loud."""
    sounds: dict[str, Sound] = {}
    notes = []
    for name, path in paths.items():
        try:
            sounds[name] = read_sound(path)
        except ValueError as error:
            notes.append(f"{name}: {error}.")
    if not sounds:
        return Media([], notes)
    longest = max(sound.seconds for sound in sounds.values())
    if longest > MAX_SECONDS:
        notes.append(
            f"Only the first {MAX_SECONDS:g} of {longest:.1f} seconds are on this page."
        )
    return Media(_players(sounds), notes)


def _players(sounds: dict[str, Sound]) -> list[Player]:
    gains = level_gains(list(sounds.values()))
    scaled = [
        sound._replace(samples=gain * sound.samples)
        for sound, gain in zip(sounds.values(), gains, strict=True)
    ]
    drawn = pictures([level_map(sound.samples, sound.rate) for sound in scaled])
    return [
        Player(
            name,
            flac_uri(sound.samples, sound.rate),
            picture,
            _turned(20 * math.log10(gain)),
            f"{len(sound.samples) / sound.rate:.1f}",
            f"{sound.rate / 2000:g}",
        )
        for name, sound, picture, gain in zip(sounds, scaled, drawn, gains, strict=True)
    ]


def _turned(decibels: float) -> str:
    direction = "down" if decibels < 0 else "up"
    return f"turned {direction} {number(abs(decibels), 1)} dB"
