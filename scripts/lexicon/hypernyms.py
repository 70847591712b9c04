"""Sets by meaning: WordNet's lexicographer files, and what lies below synsets with a phrase."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from scripts.lexicon.inflections import inflected
from scripts.lexicon.sources import WORDNET
from scripts.lexicon.wordlist import WordList, is_word, word_list
from scripts.lexicon.wordnet import (
    Synset,
    closure,
    is_a_name,
    meaning,
    senses,
    synsets,
)
from unembed.explanation.phrases.nouns import NOUNS
from unembed.explanation.phrases.verbs import LEXFILES, VERBS

_MIN_WORDS, _TOO_ALIKE = 5, 0.6
_SPEECH = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}


def word_lists(closed: frozenset[str]) -> Iterator[WordList]:
    """Yield the sets of the lexicographer files, then of the synsets that have a phrase.

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
    taken: dict[str, set[str]] = {}
    for name, phrase, synset in _chosen():
        words = _words(synset.pos, closure(synset.pos, synset.offset), closed)
        _check(name, words, taken)
        taken[name] = words
        yield word_list(
            f"wordnet:{name}",
            "meaning/wordnet",
            f"{_capital(phrase)}: {_short(synset.gloss)}.",
            WORDNET.name,
            words,
        )


def _check(name: str, words: set[str], taken: dict[str, set[str]]) -> None:
    """Refuse a synset of too few words, and one that shares most of them with one before it.

    Raises:
        ValueError: saying which.
    """
    if len(words) < _MIN_WORDS:
        raise ValueError(f"{name} has {len(words)} words: strike it from the phrases.")
    for other, known in taken.items():
        if len(words & known) > _TOO_ALIKE * len(words | known):
            raise ValueError(f"{name} is nearly {other}: strike one from the phrases.")


def _capital(phrase: str) -> str:
    return phrase[0].upper() + phrase[1:]


def _lexfiles(closed: frozenset[str]) -> Iterator[WordList]:
    for pos in "nvar":
        by_file: dict[str, set[int]] = {}
        for synset in synsets(pos).values():
            by_file.setdefault(synset.lexname, set()).add(synset.offset)
        for lexname, offsets in sorted(by_file.items()):
            yield word_list(
                f"lexfile:{lexname}",
                "meaning/lexfile",
                f"{_capital(LEXFILES[lexname])}: WordNet's lexicographer file {lexname}.",
                WORDNET.name,
                _words(pos, offsets, closed),
            )


def _words(pos: str, offsets: Iterable[int], closed: frozenset[str]) -> set[str]:
    """Return the words that often mean one of the synsets, with their inflected forms."""
    words = {
        word
        for word in meaning(pos, offsets)
        if is_word(word) and len(word) > 2 and word.lower() not in closed
    }
    lower = {word for word in words if word.islower()}
    forms = inflected(lower, _SPEECH[pos]) - closed
    return {_marked(word) for word in forms} | (words - lower)


def _famous() -> set[str]:
    return {
        word
        for synset in synsets("n").values()
        for word in synset.words
        if is_a_name(word, synset) and not synset.below and is_word(word) and len(word) > 2
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


def _chosen() -> Iterator[tuple[str, str, Synset]]:
    """Yield name, phrase and synset of those that have a phrase."""
    for name, phrase in (*NOUNS.items(), *VERBS.items()):
        yield name, phrase, _find(name)


def _pos(name: str) -> str:
    return "v" if name.endswith(".v") else "n"


def _find(name: str) -> Synset:
    """Return the synset of a name such as `animal`, `crane.5` or `move.v`."""
    pos = _pos(name)
    lemma, _, number = name.removesuffix(".v").partition(".")
    offset, _ = senses(pos)[lemma.lower()][int(number or 1) - 1]
    return synsets(pos)[offset]


def _short(gloss: str) -> str:
    return gloss.split(";")[0].split(' "')[0].strip().rstrip(":,.")
