"""WordNet (Princeton University): synsets, what lies below them, and which senses matter.

Formats: the manual pages wndb(5WN), cntlist(5WN) and lexnames(5WN).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from scripts.lexicon.sources import WORDNET, file

FILES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
LEXNAMES = (
    "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute "
    "noun.body noun.cognition noun.communication noun.event noun.feeling noun.food noun.group "
    "noun.location noun.motive noun.object noun.person noun.phenomenon noun.plant "
    "noun.possession noun.process noun.quantity noun.relation noun.shape noun.state "
    "noun.substance noun.time verb.body verb.change verb.cognition verb.communication "
    "verb.competition verb.consumption verb.contact verb.creation verb.emotion verb.motion "
    "verb.perception verb.possession verb.social verb.stative verb.weather adj.ppl"
).split()
_SS_TYPE = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
_FAIR_SHARE = 0.25
"""A later sense matters if it is at least this share of what a corpus used the word for."""
_COMMON = 0.1
"""What a word means is no rare use of it if it is this share of its uses (` time`, a verb)."""
_THINGS = {f"noun.{kind}" for kind in ("animal", "artifact", "body", "food", "object", "plant",
                                       "substance")}  # fmt: skip
"""What can be seen and touched: a bear is one, however often the corpus has the verb."""
_QUALITIES = {"noun.attribute", "noun.quantity"}
"""Whose nouns and adjectives mean the same: blue, two."""
_ENOUGH = 5
"""Uses of a word from which what the corpus lacks tells something."""


@dataclass
class Synset:
    """One meaning: its words as written, and the meanings directly below it."""

    pos: str
    offset: int
    lexname: str
    words: list[str]
    gloss: str
    below: list[int] = field(default_factory=list)
    above: list[int] = field(default_factory=list)


@cache
def synsets(pos: str) -> dict[int, Synset]:
    """Return every synset of a part of speech by its offset."""
    found: dict[int, Synset] = {}
    for line in _path(f"data.{FILES[pos]}").read_text().splitlines():
        if line.startswith(" "):
            continue
        facts, _, gloss = line.partition(" | ")
        found[int(facts[:8])] = _synset(pos, facts.split(), gloss.strip())
    return found


def _synset(pos: str, facts: list[str], gloss: str) -> Synset:
    n_words = int(facts[3], 16)
    words = [facts[4 + 2 * i].split("(")[0] for i in range(n_words)]
    at = 4 + 2 * n_words
    synset = Synset(pos, int(facts[0]), LEXNAMES[int(facts[1])], words, gloss)
    for i in range(int(facts[at])):
        symbol, offset, target, _ = facts[at + 1 + 4 * i : at + 5 + 4 * i]
        if target == pos and symbol in ("~", "~i"):
            synset.below.append(int(offset))
        elif target == pos and symbol in ("@", "@i"):
            synset.above.append(int(offset))
    return synset


def _path(name: str) -> Path:
    return file(WORDNET, f"wordnet/{name}")


@cache
def _counts() -> dict[tuple[str, str, int], int]:
    """Return how often a corpus used each sense: (lemma, pos, number of the sense) → count."""
    found: dict[tuple[str, str, int], int] = {}
    for line in _path("cntlist.rev").read_text().splitlines():
        key, number, count = line.split()
        lemma, _, rest = key.partition("%")
        found[lemma, _SS_TYPE[rest[0]], int(number)] = int(count)
    return found


@cache
def senses(pos: str) -> dict[str, list[tuple[int, int]]]:
    """Return each lemma (lower case) → its synsets, most used first, with their counts."""
    found: dict[str, list[tuple[int, int]]] = {}
    for line in _path(f"index.{FILES[pos]}").read_text().splitlines():
        if line.startswith(" "):
            continue
        facts = line.split()
        lemma, n_senses = facts[0], int(facts[2])
        found[lemma] = [
            (int(offset), _counts().get((lemma, pos, number), 0))
            for number, offset in enumerate(facts[-n_senses:], start=1)
        ]
    return found


@cache
def uses(pos: str) -> dict[str, int]:
    """Return each lemma → how often a corpus used it as this part of speech."""
    return {lemma: sum(count for _, count in each) for lemma, each in senses(pos).items()}


def all_uses(lemma: str) -> int:
    """Return how often a corpus used a lemma, whichever part of speech it was."""
    return sum(uses(pos).get(lemma, 0) for pos in FILES)


def is_used(lemma: str, pos: str) -> bool:
    """Return whether a corpus has a lemma as this part of speech, or too little of it to say."""
    return uses(pos).get(lemma, 0) > 0 or all_uses(lemma) < _ENOUGH


class Bearer(NamedTuple):
    """A word as it is written (Turkey, turkey), and the synsets it has so, with their counts."""

    word: str
    lemma: str
    own: list[tuple[int, int]]


@cache
def _bearers(pos: str) -> dict[int, list[Bearer]]:
    """Return each synset → its words; those that only ever are another part of speech have none."""
    found: dict[int, list[Bearer]] = defaultdict(list)
    every = synsets(pos)
    for lemma, numbered in senses(pos).items():
        if not is_used(lemma, pos):
            continue
        for written in _spellings(lemma, numbered, every):
            own = [(offset, n) for offset, n in numbered if written in every[offset].words]
            for offset, _ in own:
                found[offset].append(Bearer(written, lemma, own))
    return found


def is_a_name(word: str, synset: Synset) -> bool:
    """Return whether a word is somebody's name, which says little of what that person was."""
    return synset.lexname == "noun.person" and word[0].isupper()


def meaning(pos: str, offsets: Iterable[int]) -> set[str]:
    """Return the words that often mean one of some synsets, as they are written.

    A word means its first synset, and every further ones that together are a fair share of its
    uses. Of words that a corpus knows well, what they mean must be no rare use of them
    whichever part of speech: nobody takes " top" for a journey, nor " Wake" for an island.
    """
    wanted = set(offsets)
    return {
        bearer.word
        for offset in wanted
        for bearer in _bearers(pos).get(offset, ())
        if _often(pos, bearer, wanted) and not _rarely(pos, bearer, wanted)
    }


def _of(pos: str, bearer: Bearer, wanted: set[int]) -> list[tuple[int, int]]:
    """Return which of some synsets a word has, but for those of persons who bear it."""
    return [
        (offset, count)
        for offset, count in bearer.own
        if offset in wanted and not is_a_name(bearer.word, synsets(pos)[offset])
    ]


def _often(pos: str, bearer: Bearer, wanted: set[int]) -> bool:
    these = _of(pos, bearer, wanted)
    count, total = (sum(n for _, n in each) for each in (these, bearer.own))
    return bearer.own[:1] == these[:1] or (count > 0 and count >= _FAIR_SHARE * total)


def _rarely(pos: str, bearer: Bearer, wanted: set[int]) -> bool:
    these = _of(pos, bearer, wanted)
    count, every = sum(count for _, count in these), all_uses(bearer.lemma)
    if bearer.word != bearer.lemma and _is_written_small(bearer.lemma):
        # A name with a common twin (Orange, the river; BAR) may be the twin in capitals.
        return count < _FAIR_SHARE * every or (not every and bearer.word.isupper())
    kinds = {synsets(pos)[offset].lexname for offset, _ in these}
    apart = "v" if kinds & _THINGS else "a" if kinds & _QUALITIES else None
    rivals = every - (uses(apart).get(bearer.lemma, 0) if apart else 0)
    return every >= _ENOUGH and count < _COMMON * rivals


@cache
def _is_written_small(lemma: str) -> bool:
    return any(
        lemma in synsets(pos)[offset].words
        for pos in FILES
        for offset, _ in senses(pos).get(lemma, ())
    )


def _spellings(
    lemma: str, numbered: list[tuple[int, int]], every: dict[int, Synset]
) -> Iterator[str]:
    """Yield the ways a lemma is written in its synsets, each once."""
    written = {
        word for offset, _ in numbered for word in every[offset].words if word.lower() == lemma
    }
    yield from sorted(written)


def closure(pos: str, offset: int) -> set[int]:
    """Return a synset and everything below it, instances included."""
    every, found, todo = synsets(pos), set[int](), [offset]
    while todo:
        at = todo.pop()
        if at not in found:
            found.add(at)
            todo += every[at].below
    return found
