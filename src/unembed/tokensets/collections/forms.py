"""Sets that a vocabulary makes of itself: the spellings of a word, and a word's inflections.

A feature that writes " of" mostly writes "of", "Of" and " OF" as well. No list of meanings holds
such a set; here every word with enough spellings has one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

import numpy as np

from unembed.tokensets.assemble import Draft
from unembed.tokensets.collections.lexicon import lexemes
from unembed.tokensets.reading import Reading, is_mark
from unembed.tokensets.token_sets import SetInfo

MIN_SPELLINGS = 3
FORMS = "forms/word"
LEXEMES = "forms/lexeme"
SOURCE = "the vocabulary"

Spellings = dict[str, list[int]]


def drafts(reading: Reading) -> Iterator[Draft]:
    """Yield a set for each word, and for each lexeme, of three tokens or more."""
    spellings = by_core(reading)
    yield from _words(spellings)
    yield from _lexemes(spellings)


def by_core(reading: Reading) -> Spellings:
    """Return each word in folded case → the tokens that spell it.

    Spellings differ in case, leading space and attached punctuation; inside, a word has letters
    and digits only.
    """
    found: Spellings = {}
    for word, ids in reading.ids_of_word.items():
        core = core_of(word)
        if core:
            found.setdefault(core, []).extend(ids)
    return found


def core_of(word: str) -> str:
    """Return a word in folded case without the punctuation around it, or an empty text.

    >>> core_of('("The'), core_of("don't"), core_of("—")
    ('the', '', '')
    """
    if not word.isalnum():
        word = _strip(word)
        if not all(unicodedata.category(character)[0] in "LNM" for character in word):
            return ""
    return word.casefold()


def _strip(word: str) -> str:
    start, stop = 0, len(word)
    while start < stop and (is_mark(word[start]) or word[start].isspace()):
        start += 1
    while stop > start and (is_mark(word[stop - 1]) or word[stop - 1].isspace()):
        stop -= 1
    return word[start:stop]


def _words(spellings: Spellings) -> Iterator[Draft]:
    for word, ids in spellings.items():
        if len(ids) >= MIN_SPELLINGS:
            yield _draft(
                f"form:{word}",
                FORMS,
                f"The word {word!r}: its capitals, leading space and attached punctuation.",
                f"tokens that spell {word}",
                [ids],
            )


def _lexemes(spellings: Spellings) -> Iterator[Draft]:
    """Yield the lexemes of which two forms or more are tokens, in the data's order."""
    for lemma, forms in _forms_of_lemma().items():
        present = [form for form in forms if form in spellings]
        ids = [spellings[form] for form in present]
        if len(present) > 1 and sum(map(len, ids)) >= MIN_SPELLINGS:
            yield _draft(
                f"lexeme:{lemma}",
                LEXEMES,
                f"The word {lemma!r} and its inflections: {', '.join(present)}.",
                f"tokens that spell {', '.join(present)}",
                ids,
            )


def _forms_of_lemma() -> dict[str, list[str]]:
    """Return each lemma's forms, of all its parts of speech, in folded case and order of data."""
    found: dict[str, dict[str, None]] = {}
    for row in lexemes().iter_rows(named=True):
        forms = found.setdefault(row["lemma"].casefold(), {})
        forms.update(dict.fromkeys(form.casefold() for form in row["forms"]))
    return {lemma: list(forms) for lemma, forms in found.items()}


def _draft(
    name: str, family: str, description: str, definition: str, ids: Iterable[list[int]]
) -> Draft:
    info = SetInfo(name, family, description, SOURCE, definition)
    return Draft(info, np.unique(np.concatenate([np.array(part, np.int32) for part in ids])))
