"""Sets by meaning: WordNet's lexicographer files, and what lies below chosen synsets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from scripts.lexicon.inflections import inflected
from scripts.lexicon.sources import WORDNET
from scripts.lexicon.wordlist import WordList, is_word, word_list
from scripts.lexicon.wordnet import (
    Synset,
    closure,
    depth,
    prominent,
    senses,
    synsets,
    uses,
)

WANTED = Path(__file__).with_name("wanted_hypernyms.txt")
N_NOUNS, N_VERBS = 380, 60
_MIN_WORDS, _MAX_WORDS, _MIN_USED, _MIN_DEPTH = 20, 6_000, 8, 4
_TOO_ALIKE = 0.6
_SPEECH = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}


def word_lists(closed: frozenset[str]) -> Iterator[WordList]:
    """Yield the sets of the lexicographer files, then of the chosen hypernyms.

    Args:
        closed: closed-class words; whatever else they mean (he: helium), they are not in.
    """
    yield from _lexfiles(closed)
    yield word_list(
        "names:famous",
        "meaning/names",
        "Names under which WordNet knows a person (Einstein).",
        WORDNET.name,
        _famous(),
    )
    for pos, limit in (("n", N_NOUNS), ("v", N_VERBS)):
        for synset in _chosen(pos, limit, closed):
            words = _words(pos, closure(pos, synset.offset), closed)
            yield word_list(
                f"wordnet:{_name(synset)}",
                "meaning/wordnet",
                f"Kinds of {_label(synset)}: {_short(synset.gloss)}.",
                WORDNET.name,
                words,
            )


def _lexfiles(closed: frozenset[str]) -> Iterator[WordList]:
    for pos in "nvar":
        by_file: dict[str, set[int]] = {}
        for synset in synsets(pos).values():
            by_file.setdefault(synset.lexname, set()).add(synset.offset)
        for lexname, offsets in sorted(by_file.items()):
            yield word_list(
                f"lexfile:{lexname}",
                "meaning/lexfile",
                f"Words of WordNet's lexicographer file {lexname}.",
                WORDNET.name,
                _words(pos, offsets, closed),
            )


def _words(pos: str, offsets: Iterable[int], closed: frozenset[str]) -> set[str]:
    """Return the words that often mean one of the synsets, with their inflected forms."""
    meant = prominent(pos)
    words = {
        word
        for offset in offsets
        for word in meant.get(offset, ())
        if is_word(word)
        and len(word) > 2
        and word.lower() not in closed
        and not _is_a_name(word, synsets(pos)[offset])
    }
    lower = {word for word in words if word.islower()}
    forms = inflected(lower, _SPEECH[pos]) - closed
    return {_marked(word) for word in forms} | (words - lower)


def _is_a_name(word: str, synset: Synset) -> bool:
    """Whether a word is somebody's name, which says little of what that person was."""
    return synset.lexname == "noun.person" and word[0].isupper()


def _famous() -> set[str]:
    return {
        word
        for synset in synsets("n").values()
        for word in synset.words
        if _is_a_name(word, synset) and not synset.below and is_word(word) and len(word) > 2
    }


def _marked(word: str) -> str:
    """Return a word as an entry: exactly as written where it has a proper name as its twin."""
    return f"={word}" if word.capitalize() in _proper_names() else word


@cache
def _proper_names() -> frozenset[str]:
    """Return the capitalised words that WordNet has beside the same word in lower case."""
    return frozenset(
        word
        for synset in synsets("n").values()
        for word in synset.words
        if word.istitle() and word.lower() in senses("n")
    )


def _chosen(pos: str, limit: int, closed: frozenset[str]) -> Iterator[Synset]:
    """Yield the wanted synsets, then those with the most words in use, none like another."""
    taken: list[set[str]] = []
    wanted = [_find(name) for name in WANTED.read_text().split() if _pos(name) == pos]
    for synset in (*wanted, *_candidates(pos, closed)):
        words = _words(pos, closure(pos, synset.offset), closed)
        if any(len(words & other) > _TOO_ALIKE * len(words | other) for other in taken):
            continue
        taken.append(words)
        yield synset
        if len(taken) == limit:
            return


def _candidates(pos: str, closed: frozenset[str]) -> list[Synset]:
    sized = []
    for offset, synset in synsets(pos).items():
        if not synset.below or depth(pos, offset) < (_MIN_DEPTH if pos == "n" else 0):
            continue
        words = {
            word
            for each in closure(pos, offset)
            for word in prominent(pos).get(each, ())
            if is_word(word) and word.lower() not in closed
        }
        used = sum(1 for word in words if uses(pos).get(word.lower(), 0) > 0)
        if _MIN_WORDS <= len(words) <= _MAX_WORDS and used >= _MIN_USED:
            sized.append((used, synset))
    sized.sort(key=lambda pair: (-pair[0], pair[1].offset))
    return [synset for _, synset in sized]


def _pos(name: str) -> str:
    return "v" if name.endswith(".v") else "n"


def _find(name: str) -> Synset:
    """Return the synset of a name such as `animal`, `crane.5` or `move.v`."""
    pos = _pos(name)
    lemma, _, number = name.removesuffix(".v").partition(".")
    offset, _ = senses(pos)[lemma.lower()][int(number or 1) - 1]
    return synsets(pos)[offset]


def _name(synset: Synset) -> str:
    """Return the synset's first word, numbered unless it means this first of all."""
    lemma = synset.words[0].lower()
    order = [offset for offset, _ in senses(synset.pos)[lemma]]
    number = order.index(synset.offset) + 1
    ending = ".v" if synset.pos == "v" else ""
    return f"{synset.words[0]}{f'.{number}' if number > 1 else ''}{ending}"


def _label(synset: Synset) -> str:
    return ", ".join(word.replace("_", " ") for word in synset.words[:2])


def _short(gloss: str) -> str:
    return gloss.split(";")[0].split(' "')[0].strip().rstrip(":,.")
