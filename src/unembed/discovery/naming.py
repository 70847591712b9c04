"""Names for modules: the known set they match best, or their most typical words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.stats import hypergeom

from unembed.discovery.module import Module
from unembed.tokensets.assemble import Draft
from unembed.tokensets.collections.forms import LEXEMES
from unembed.tokensets.token_sets import SetInfo, TokenSets
from unembed.unembedding import Unembedding

_NAMESAKE = 0.4
_NAMESAKE_LEXEME = 0.7
"""A module is called after a known set if their F1 is at least this; after the inflections of one
word (stronger, strongest) only if there is little else in it."""
_N_TYPICAL = 3
_N_TOLD = 12
_LONGEST = 8
_NO_NAMESAKES = ("tokenizer/", "surface/length", "affixes/first", "affixes/last", "forms/word")
"""Families that say nothing of what a module means."""


def named(
    modules: Sequence[Module], unembedding: Unembedding, known: TokenSets | None
) -> Iterator[Draft]:
    """Yield the modules with a name, a description and their evidence.

    Overlap is measured by F1, the harmonic mean of the shares of either set in the other; its
    p-value is hypergeometric over all unmasked tokens.
    """
    overlaps = _overlaps(modules, known) if known is not None and len(known) else None
    taken: Counter[str] = Counter()
    for at, module in enumerate(modules):
        name = _typical(module)
        told = ""
        if overlaps is not None and known is not None:
            shared, f1 = overlaps[0][at], overlaps[1][at]
            best = int(f1.argmax())
            told = _likeness(module, known, best, int(shared[best]), unembedding.n_tokens)
            if f1[best] >= _NAMESAKE:
                name = known.infos[best].name
        taken[name] += 1
        full = f"module:{name}" + (f" ({taken[name]})" if taken[name] > 1 else "")
        typical = " ".join(map(_shown, module.typical[:_N_TOLD]))
        yield Draft(
            SetInfo(
                full,
                module.family,
                f"{module.evidence}.{told} Typical: {typical}.",
                module.source,
                "found by discover",
            ),
            module.ids,
        )


def _typical(module: Module) -> str:
    return "/".join(map(_shown, module.typical[:_N_TYPICAL]))


def _shown(word: str) -> str:
    r"""Return a word so that it fits in a name; white space as it is escaped, cut if long.

    >>> print(_shown("zoo"), _shown("\n"), _shown(" " * 40))
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
