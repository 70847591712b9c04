"""Which of some sets say something that no other set says already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.tokensets.assemble import Draft
from unembed.tokensets.token_sets import Ids

ALIKE = 0.8
"""Two sets say the same if they share this much of their union (Jaccard)."""
LEAST = 8


def set_apart(
    drafts: Iterable[Draft], known: Sequence[Draft], n_tokens: int, least: int = LEAST
) -> Iterator[Draft]:
    """Yield drafts; those that are no sets of their own with the reason why.

    A draft is one if it has at least `least` tokens, and shares less than 0.8 of the union with
    each known set and with each draft before it that is one.

    Args:
        drafts: sets that are wanted where they differ.
        known: sets that are there in any case.
        n_tokens: V, the tokens of the vocabulary.
        least: fewest tokens of a draft.
    """
    drafts = list(drafts)
    everything = [*known, *drafts]
    index = _Index.of([draft.ids for draft in everything], n_tokens)
    stands = np.arange(len(everything)) < len(known)
    for at, draft in enumerate(drafts, start=len(known)):
        reason = f"{len(draft.ids):,} tokens in this vocabulary, fewer than {least}"
        if len(draft.ids) >= least:
            alike = np.where(stands, index.jaccard(draft.ids), 0.0)
            best = int(alike.argmax())
            reason = f"nearly the tokens of {everything[best].info.name!r} ({alike[best]:.0%})"
            if alike[best] < ALIKE:
                stands[at] = True
                reason = ""
        yield draft._replace(aside=reason)


class _Index(NamedTuple):
    """Which sets hold a token: `holders[start[token]:start[token + 1]]`."""

    start: npt.NDArray[np.int64]
    holders: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, members: Sequence[Ids], n_tokens: int) -> _Index:
        sizes = np.array([len(ids) for ids in members], np.int64)
        ids = np.concatenate([np.empty(0, np.int32), *members])
        owners = np.repeat(np.arange(len(members)), sizes)
        start = np.zeros(n_tokens + 1, np.int64)
        np.cumsum(np.bincount(ids, minlength=n_tokens), out=start[1:])
        return cls(start, owners[np.argsort(ids, kind="stable")], sizes)

    def jaccard(self, ids: Ids) -> npt.NDArray[np.float64]:
        """Return the share of the union that each set has in common with some tokens."""
        holders = [self.holders[self.start[token] : self.start[token + 1]] for token in ids]
        shared = np.bincount(np.concatenate(holders), minlength=len(self.sizes))
        found: npt.NDArray[np.float64] = shared / np.maximum(self.sizes + len(ids) - shared, 1)
        return found
