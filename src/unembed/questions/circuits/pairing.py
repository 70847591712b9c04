"""How graphs number features: one whole number for a layer and an index (Cantor's pairing).

circuit-tracer names its feature files by it, too (`frontend/graph_models.py`, schema version 1).
Graphs of before say `index + layer · 10^k`, with k digits for the index, and others the index
alone; which of these a number is cannot be told from it, so that the node's id must say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

from unembed.outside import limits


def pair(layer: int, index: int) -> int:
    """Return the number of a feature: (l + i)(l + i + 1)/2 + i.

    >>> pair(0, 1285), pair(3, 234)
    (827540, 28437)

    Args:
        layer: that the feature reads, counted from 0.
        index: of the feature in its transcoder.
    """
    return (layer + index) * (layer + index + 1) // 2 + index


def unpair(number: int) -> tuple[int, int]:
    """Return the layer and the index of a feature, exactly for any number.

    >>> unpair(827540), unpair(pair(61, 10**9))
    ((0, 1285), (61, 1000000000))
    """
    diagonal = (isqrt(8 * number + 1) - 1) // 2
    index = number - diagonal * (diagonal + 1) // 2
    return diagonal - index, index


def readings(number: int, layer: int) -> Iterator[int]:
    """Yield the indices that a number may stand for in a layer: by pairing, by digits, as it is.

    >>> [*readings(2305458, 23)]
    [5458, 2305458]
    """
    own, index = unpair(number)
    if own == layer:
        yield index
    digits = 10
    while layer and digits < limits.FEATURES:
        if 0 <= number - layer * digits < digits:
            yield number - layer * digits
        digits *= 10
    yield number
