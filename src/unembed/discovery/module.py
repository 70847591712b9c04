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
    """

    ids: Ids
    typical: tuple[str, ...]
    family: str
    source: str
    evidence: str
