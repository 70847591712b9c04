"""Sets become a collection: the same members are kept once, useless sets are set aside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from unembed.errors import TokenSetError
from unembed.tokensets.token_sets import Ids, SetAside, SetInfo, TokenSets, with_aliases
from unembed.vocabulary import Vocabulary

MIN_SIZE = 3
MAX_SHARE = 0.99


class Draft(NamedTuple):
    """A set that is not yet in a collection.

    Attributes:
        info: its description.
        ids: its members, ascending, each once.
        missed: the entries of its word list that are no single token.
        aside: why it is to be set aside, if it is.
    """

    info: SetInfo
    ids: Ids
    missed: tuple[str, ...] = ()
    aside: str = ""


def assemble(
    drafts: Iterable[Draft],
    vocabulary: Vocabulary,
    *,
    min_size: int = MIN_SIZE,
    max_share: float = MAX_SHARE,
) -> TokenSets:
    """Return drafts as one collection, in their order.

    Of sets with identical members the first is kept, and the names of the others become its
    aliases. Sets of fewer than `min_size` tokens, those that hold more than `max_share` of all
    unmasked tokens, and those that were found wanting before are set aside with the reason.

    Raises:
        TokenSetError: when two different sets have the same name.
    """
    n_tokens = int(np.count_nonzero(~vocabulary.masked))
    first: dict[bytes, int] = {}
    kept: list[Draft] = []
    aside: list[SetAside] = []
    for draft in drafts:
        reason = _reason(draft, n_tokens, min_size, max_share)
        if reason is not None:
            aside.append(SetAside(draft.info, draft.ids, reason))
            continue
        at = first.setdefault(draft.ids.tobytes(), len(kept))
        if at == len(kept):
            kept.append(draft)
        else:
            names = (draft.info.name, *draft.info.aliases)
            kept[at] = Draft(with_aliases(kept[at].info, names), kept[at].ids)
    return TokenSets.from_drafts([(draft.info, draft.ids) for draft in kept], vocabulary, aside)


def merge_token_sets(collections: Sequence[TokenSets]) -> TokenSets:
    """Return the sets of several collections of one vocabulary; what they share, once.

    Raises:
        TokenSetError: when they are of different vocabularies, or two different sets have
            the same name.
    """
    vocabulary = collections[0].vocabulary
    for other in collections[1:]:
        if other.vocabulary.digest != vocabulary.digest:
            raise TokenSetError(
                f"These token sets are of two vocabularies, {vocabulary!r} and "
                f"{other.vocabulary!r}: build both for the same one."
            )
    drafts = (Draft(info, sets[info.name]) for sets in collections for info in sets.infos)
    merged = assemble(drafts, vocabulary, min_size=0, max_share=1.0)
    aside = {each.name: each for sets in collections for each in sets.set_aside}
    return TokenSets(vocabulary, merged.indptr, merged.ids, merged.infos, tuple(aside.values()))


def _reason(draft: Draft, n_tokens: int, min_size: int, max_share: float) -> str | None:
    size = len(draft.ids)
    if size < min_size:
        missed = draft.info.missed
        why = f" ({missed:,} of its words are no single tokens)" if missed else ""
        return f"{size:,} tokens in this vocabulary, fewer than {min_size}{why}"
    if size > max_share * n_tokens:
        return f"it covers {size:,} of {n_tokens:,} tokens, more than {max_share:.0%}"
    return draft.aside or None
