"""Which tokens spell the same word, in whatever form it stands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from unembed.tokensets.collections.forms import core_of
from unembed.tokensets.collections.lexicon import lexemes
from unembed.vocabulary import Vocabulary

I64 = npt.NDArray[np.int64]

_LEAST_SINGULAR = 3
"""Letters of a word whose plural is told by its -s alone: "hi" is no singular of "his"."""


def distinct_words(vocabulary: Vocabulary, alike: tuple[I64, I64] | None = None) -> I64:
    """Return [V] the number of the word that each token spells: the same for all of its forms.

    Forms of a word differ in case, leading space and attached punctuation; they are inflections of
    it (one with two lemmas, such as "found", makes one word of both), or it with -s. A token
    without letters is a word by its text, less a leading space.

    Args:
        vocabulary: whose tokens they are.
        alike: ids [P] and others [P] that count as one word besides, whatever they spell.
    """
    numbers: dict[str, int] = {}
    word_of_token = np.fromiter(
        (numbers.setdefault(word_of(text), len(numbers)) for text in vocabulary.texts), np.int64
    )
    pairs = [*_inflected(numbers), *_plurals(numbers)]
    if alike is not None:
        pairs += zip(*(word_of_token[ids].tolist() for ids in alike), strict=True)
    one, other = np.array(pairs, np.int64).reshape(-1, 2).T
    size = len(numbers)
    same = sparse.coo_matrix((np.ones(len(one), np.int8), (one, other)), shape=(size, size))
    _, group = connected_components(same, directed=False)
    found: I64 = group.astype(np.int64)[word_of_token]
    return found


def word_of(text: str) -> str:
    """Return what the forms of a word in case, leading space and punctuation have in common."""
    return core_of(text.strip()) or text.removeprefix(" ").casefold()


def _inflected(numbers: dict[str, int]) -> Iterator[tuple[int, int]]:
    """Yield pairs of words that are forms of one lexeme."""
    for lemma, forms in lexemes().select("lemma", "forms").iter_rows():
        known = [numbers[word] for word in map(str.casefold, (lemma, *forms)) if word in numbers]
        yield from ((known[0], other) for other in known[1:])


def _plurals(numbers: dict[str, int]) -> Iterator[tuple[int, int]]:
    """Yield words in -s, but not in -ss, with the same without it."""
    for word, number in numbers.items():
        singular = word.removesuffix("s")
        known = numbers.get(singular, number)
        if known != number and singular[-1:] != "s" and len(singular) >= _LEAST_SINGULAR:
            yield number, known
