"""Names for modules: the known set they match best, or their most typical words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.stats import hypergeom

from unembed.discovery.module import Module
from unembed.tokensets.assemble import Draft
from unembed.tokensets.collections.forms import LEXEMES
from unembed.tokensets.distinct import distinct_words, word_of
from unembed.tokensets.token_sets import SetInfo, TokenSets
from unembed.unembedding import Unembedding
from unembed.vocabulary import Vocabulary

_NAMESAKE = 0.4
_NAMESAKE_LEXEME = 0.7
"""A module is called after a known set if their F1 is at least this; after the inflections of one
word (stronger, strongest) only if there is little else in it."""
_N_TYPICAL = 3
PREFIX = "module:"
_N_TOLD = 12
_LONGEST = 8
_NO_NAMESAKES = ("tokenizer/", "surface/length", "affixes/first", "affixes/last", "forms/word")
"""Families that say nothing of what a module means."""


class Likeness(NamedTuple):
    """The known set that a module matches best.

    Attributes:
        name: of the set that it is called after; none where it is like none.
        f1: of the best one, 0 where none was asked.
        told: how like it is, as a sentence, or nothing.
    """

    name: str | None = None
    f1: float = 0.0
    told: str = ""


def named(
    modules: Sequence[Module], unembedding: Unembedding, known: TokenSets | None
) -> Iterator[Draft]:
    """Yield the modules with a name, a description and their evidence."""
    distinct = DistinctWords(unembedding.vocabulary)
    taken: Counter[str] = Counter()
    for module, like in zip(modules, likenesses(modules, unembedding, known), strict=True):
        name = like.name or "/".join(map(written, distinct.of(module)[:_N_TYPICAL]))
        taken[name] += 1
        full = f"{PREFIX}{name}" + (f" ({taken[name]})" if taken[name] > 1 else "")
        said = described(module, like)
        info = SetInfo(full, module.family, said, module.source, "found by discover")
        yield Draft(info, module.ids)


def described(module: Module, like: Likeness) -> str:
    """Return what is said of a module: its evidence, the set it is like, its typical words."""
    typical = " ".join(map(written, module.typical[:_N_TOLD]))
    return f"{module.evidence}.{like.told} Typical: {typical}."


def likenesses(
    modules: Sequence[Module], unembedding: Unembedding, known: TokenSets | None
) -> Iterator[Likeness]:
    """Yield of each module the known set it matches best.

    Overlap is measured by F1, the harmonic mean of the shares of either set in the other; its
    p-value is hypergeometric over all unmasked tokens.
    """
    if known is None or not len(known):
        yield from (Likeness() for _ in modules)
        return
    shared, f1 = _overlaps(modules, known)
    for at, module in enumerate(modules):
        best = int(f1[at].argmax())
        told = _likeness(module, known, best, int(shared[at, best]), unembedding.n_tokens)
        value = float(f1[at, best])
        yield Likeness(known.infos[best].name if value >= _NAMESAKE else None, value, told)


class DistinctWords:
    """The words of a vocabulary of which no two are forms of one."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        texts = vocabulary.texts
        numbers = distinct_words(vocabulary).tolist()
        self._number = {word_of(text): number for text, number in zip(texts, numbers, strict=True)}

    def of(self, module: Module) -> list[str]:
        """Return a module's words, the most typical first, and of each its most typical form."""
        found: dict[int | str, str] = {}
        for word in module.typical:
            found.setdefault(self._number.get(word_of(word), word), word)
        return list(found.values())


def written(word: str) -> str:
    r"""Return a word so that it fits in a name; white space as it is escaped, cut if long.

    >>> print(written("zoo"), written("\n"), written(" " * 40))
    zoo '\n' '        …'
    """
    if word.isprintable() and word.split() == [word]:
        return word
    escaped = word.encode("unicode_escape").decode()
    return f"'{escaped}'" if len(escaped) <= _LONGEST else f"'{escaped[:_LONGEST]}…'"


def _overlaps(
    modules: Sequence[Module], known: TokenSets
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return [modules, known] counts of shared tokens, and F1 (0 where no namesake)."""
    n_tokens = len(known.vocabulary)
    ids = [module.ids for module in modules]
    mine = _membership(np.concatenate([np.empty(0, np.int32), *ids]), list(map(len, ids)), n_tokens)
    theirs = _membership(known.ids, known.sizes.tolist(), n_tokens)
    shared = (mine @ theirs.T).toarray()
    sizes = np.array(list(map(len, ids)))
    f1 = 2 * shared / (sizes[:, None] + known.sizes[None, :])
    silent = [info.family.startswith(_NO_NAMESAKES) for info in known.infos]
    f1[:, silent] = 0
    lexeme = [info.family == LEXEMES for info in known.infos]
    f1[:, lexeme] = np.where(f1[:, lexeme] < _NAMESAKE_LEXEME, 0, f1[:, lexeme])
    return shared, f1


def _membership(ids: npt.NDArray[np.int32], sizes: list[int], n_tokens: int) -> sparse.csr_matrix:
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    ones = np.ones(len(ids), np.int64)
    return sparse.csr_matrix((ones, ids, indptr), shape=(len(sizes), n_tokens))


def _likeness(module: Module, known: TokenSets, best: int, shared: int, n_tokens: int) -> str:
    size = int(known.sizes[best])
    log10_p = hypergeom.logsf(shared - 1, n_tokens, size, len(module.ids)) / np.log(10)
    return (
        f" {shared} of its {len(module.ids)} tokens are among the {size} of "
        f"{known.infos[best].name} (log10 p {log10_p:.0f})."
    )
