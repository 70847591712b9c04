"""How many of all cases each reader gets: as many as are tried in a like time, by their weight."""

from __future__ import annotations

from collections.abc import Sequence

SHARES = {
    "models": 10, "vocabularies": 16, "ggufs": 8, "reads": 8, "dictionaries": 20, "matrices": 24,
    "lenses": 12, "graphs": 12, "token_sets": 4, "manifests": 2, "tables": 1, "questions": 5,
    "requests": 5, "references": 7, "arrays": 8, "exports": 4,
}  # fmt: skip


def share_of(reader: str, among: Sequence[str], cases: int) -> int:
    """Return how many of some cases are one reader's."""
    return -(-cases * SHARES[reader] // sum(SHARES[each] for each in among))
