"""`Module`: tokens that belong together by some measure, before they have a name."""

from __future__ import annotations

from typing import NamedTuple

from unembed.tokensets.token_sets import Ids


class Module(NamedTuple):
    """Tokens found together.

    Attributes:
        ids: the tokens, ascending.
        typical: the words at its heart, most typical first.
        family: where it was found.
        source: in which weights.
        evidence: what was measured, as a sentence.
        resolution: at which it was cut, 0 where there is none.
        cohesion: the mean cosine of two of its words, 0 where it was not measured.
    """

    ids: Ids
    typical: tuple[str, ...]
    family: str
    source: str
    evidence: str
    resolution: float = 0.0
    cohesion: float = 0.0
