"""`DiscoverSettings`: how modules are looked for, and how the search reports."""

from __future__ import annotations

from dataclasses import dataclass

from unembed.sweep.settings import AUTO


@dataclass(frozen=True)
class DiscoverSettings:
    """How modules are looked for.

    Attributes:
        neighbours: nearest words to each word that can become its neighbours.
        resolutions: of Louvain's modularity, from broad modules to tight ones.
        min_words: fewest words of a module, its spellings counted once.
        min_z: a token belongs to a feature's tail if its logit weight lies so many standard
            deviations out.
        min_kurtosis: features with lighter tails have no say.
        seed: decides Louvain's order and the noise that modules are measured against.
        device: a torch device for the products; `auto` is a GPU where torch sees one.
    """

    neighbours: int = 10
    resolutions: tuple[float, ...] = (30.0, 300.0)
    min_words: int = 4
    min_z: float = 5.0
    min_kurtosis: float = 5.0
    seed: int = 0
    device: str = AUTO
