"""How words begin and end: letters, prefixes, suffixes, and pieces of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import ascii_lowercase

from unembed.tokensets.collections.lexicon import dictionary
from unembed.tokensets.definitions import Definition, Predicate
from unembed.tokensets.files.tree import Tree, read_tree
from unembed.tokensets.reading import Reading, Space
from unembed.tokensets.token_sets import Ids

_SPELLING = "spelling"
_LEXICON = "spelling and the dictionary (SCOWL 2020.12.07, lemminflect 0.2.3)"
_N_PAIRS = 80
_BEFORE_SUFFIX = 2
_AFTER_PREFIX = 4

_TABLE = Path(__file__).parent / "default" / "affixes.yaml"


def definitions() -> Iterator[Definition]:
    """Yield the sets by first and last letters, prefixes, suffixes, and pieces of words."""
    yield from _letters()
    yield from _pairs()
    tables = read_tree(_TABLE).table()
    for affix, meaning in _affixes(tables["suffixes"]):
        yield _suffix(affix, meaning)
    for affix, meaning in _affixes(tables["prefixes"]):
        yield _prefix(affix, meaning)
    yield from _pieces()


def _letters() -> Iterator[Definition]:
    for letter in ascii_lowercase:
        yield _ended("first_letter", letter)
        yield _ended("last_letter", letter)


def _pairs() -> Iterator[Definition]:
    """Yield sets by the two first letters that most English words begin with, and the last."""
    for family, cut in (("first_letters", slice(2)), ("last_letters", slice(-2, None))):
        counts = Counter(word[cut] for word in dictionary() if len(word) > 2)
        by_count = sorted(counts, key=lambda pair: (-counts[pair], pair))
        for pair in sorted(by_count[:_N_PAIRS]):
            yield _ended(family, pair)


def _ended(family: str, letters: str) -> Definition:
    first = family.startswith("first")

    def select(reading: Reading) -> Ids:
        found = reading.beginning_with(letters) if first else reading.ending_with(letters)
        return reading.tokens_of(found)

    verb = "Begins" if first else "Ends"
    what = f"the letter{'s' if len(letters) > 1 else ''} {letters}"
    return Definition(
        f"{family}:{letters}",
        f"affixes/{family}",
        f"{verb} with {what}, in either case; only letters.",
        _SPELLING,
        Predicate(select, f"letters that {verb.lower()[:-1]} with {letters}"),
    )


def _affixes(tree: Tree) -> Iterator[tuple[str, str]]:
    for meaning, affixes in tree.table().items():
        for affix in affixes.text().split():
            yield affix, meaning


def _suffix(suffix: str, meaning: str) -> Definition:
    least = len(suffix) + _BEFORE_SUFFIX

    def select(reading: Reading) -> Ids:
        ending = reading.ending_with(suffix)
        return reading.tokens_of(
            word for word in ending if len(word) >= least or len(word) == len(suffix)
        )

    return Definition(
        f"suffix:{suffix}",
        "affixes/suffix",
        f"Ends in -{suffix} ({meaning}), after {_BEFORE_SUFFIX} letters or more or alone.",
        _SPELLING,
        Predicate(select, f"letters that end in -{suffix}"),
    )


def _prefix(prefix: str, meaning: str) -> Definition:
    least = len(prefix) + _AFTER_PREFIX

    def select(reading: Reading) -> Ids:
        words = dictionary()
        return reading.tokens_of(
            word
            for word in reading.beginning_with(prefix)
            if len(word) >= least and word[len(prefix) :].lower() in words
        )

    return Definition(
        f"prefix:{prefix}",
        "affixes/prefix",
        f"Begins with {prefix}- ({meaning}), before a word of {_AFTER_PREFIX} letters or more.",
        _LEXICON,
        Predicate(select, f"{prefix}- before a word of the dictionary"),
    )


def _pieces() -> Iterator[Definition]:
    wholes: tuple[tuple[str, str, bool, Space], ...] = (
        (
            "whole_words",
            "Whole English words in lower case, with a leading space.",
            True,
            "required",
        ),
        (
            "words_without_space",
            "Whole English words in lower case, without a leading space.",
            True,
            "forbidden",
        ),
        (
            "word_beginnings",
            "Letters a to z after a space that are no English word but begin one, or a name.",
            False,
            "required",
        ),
        (
            "word_endings",
            "Letters a to z without a leading space that are no English word: the rest of one.",
            False,
            "forbidden",
        ),
    )
    for name, description, is_word, space in wholes:
        yield Definition(name, "affixes/pieces", description, _LEXICON, _lower_case(is_word, space))


def _lower_case(is_word: bool, space: Space) -> Predicate:
    def select(reading: Reading) -> Ids:
        words = dictionary()
        found = reading.matching(
            lambda word: (
                word.isascii() and word.isalpha() and word.islower() and (word in words) == is_word
            )
        )
        return reading.with_space(found, space)

    return Predicate(select, f"lower-case words {'in' if is_word else 'not in'} the dictionary")
