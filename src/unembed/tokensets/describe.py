"""Token sets as data, for scripts."""

from __future__ import annotations

from typing import Any

import numpy as np

from unembed.tokensets.token_sets import SetInfo, TokenSets

_N_EXAMPLES = 12


def examples(sets: TokenSets, name: str, limit: int = _N_EXAMPLES) -> list[str]:
    """Return the texts of some members, evenly spaced over the ids."""
    ids = sets[name]
    some = ids[np.linspace(0, len(ids) - 1, min(limit, len(ids))).astype(int)] if len(ids) else ids
    texts = sets.vocabulary.texts
    return [texts[token] for token in some]


def describe_all(sets: TokenSets) -> list[dict[str, Any]]:
    """Return every set as data, without its members."""
    return [
        {**_facts(info), "size": int(size)}
        for info, size in zip(sets.infos, sets.sizes, strict=True)
    ]


def describe(sets: TokenSets, name: str) -> dict[str, Any]:
    """Return one set as data, with its members' ids and texts; also one that was set aside.

    Raises:
        TokenSetError: when there is no such set.
    """
    aside = {each.name: each for each in sets.set_aside}.get(name)
    info, ids = (aside.info, aside.ids) if aside else (sets.info(name), sets[name])
    texts = sets.vocabulary.texts
    return {
        **_facts(info),
        "size": len(ids),
        "set_aside": aside.reason if aside else None,
        "ids": ids.tolist(),
        "tokens": [texts[token] for token in ids],
    }


def _facts(info: SetInfo) -> dict[str, Any]:
    return {**vars(info), "aliases": list(info.aliases)}
