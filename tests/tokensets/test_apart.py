"""Sets that say something of their own, against a plain loop over pairs of sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unembed.tokensets.apart import ALIKE, LEAST, set_apart
from unembed.tokensets.assemble import Draft
from unembed.tokensets.token_sets import SetInfo

TOKENS = 24
members = st.sets(st.integers(0, TOKENS - 1), max_size=TOKENS)


def draft(name: str, ids: set[int]) -> Draft:
    return Draft(SetInfo(name), np.array(sorted(ids), np.int32))


@given(st.lists(members, max_size=6), st.lists(members, max_size=8))
def test_against_every_pair(known: list[set[int]], wanted: list[set[int]]) -> None:
    there = [draft(f"known {at}", ids) for at, ids in enumerate(known)]
    drafts = [draft(f"wanted {at}", ids) for at, ids in enumerate(wanted)]
    found = [not each.aside for each in set_apart(drafts, there, TOKENS)]
    standing, expected = list(known), list[bool]()
    for ids in wanted:
        own = len(ids) >= LEAST and all(
            len(ids & other) < ALIKE * len(ids | other) for other in standing
        )
        expected.append(own)
        if own:
            standing.append(ids)
    assert found == expected


def test_says_which_set_says_the_same() -> None:
    known = [draft("small", {1}), draft("letters", set(range(10)))]
    wanted = [draft("most", set(range(8))), draft("few", {1, 2}), draft("own", set(range(8, 20)))]
    reasons = {each.info.name: each.aside for each in set_apart(wanted, known, TOKENS)}
    assert reasons == {
        "most": "nearly the tokens of 'letters' (80%)",
        "few": "2 tokens in this vocabulary, fewer than 8",
        "own": "",
    }
