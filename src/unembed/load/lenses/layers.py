"""Layers of a lens in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from unembed.errors import ShapeError

EMBEDDING = -1
"""The layer whose output is the embedding: what block 0 reads."""


def spans(layers: Iterable[int]) -> str:
    """Return layers in a row, those that follow one another as a range.

    >>> spans([0, 1, 2, 5, 7, 8]), spans([-1, 0, 1])
    ('0–2, 5, 7–8', 'the embedding (-1), 0–1')
    """
    runs: list[list[int]] = []
    for layer in sorted(set(layers) - {EMBEDDING}):
        if runs and layer == runs[-1][1] + 1:
            runs[-1][1] = layer
        else:
            runs.append([layer, layer])
    said = [f"{a}" if a == b else f"{a}–{b}" for a, b in runs]
    return ", ".join([*(["the embedding (-1)"] if EMBEDDING in layers else []), *said])


def width_of(shapes: Mapping[int, tuple[int, ...]], place: str) -> int:
    """Return the width of matrices, by layer: all are square and of one size.

    Raises:
        ShapeError: when they are not, naming the first that is otherwise.
    """
    first = next(iter(shapes.values()))
    for layer, shape in shapes.items():
        if len(shape) != 2 or shape[0] != shape[1] or not shape[0]:
            raise ShapeError(
                f"{place}: the matrix of layer {layer} has shape {list(shape)}; expected a square "
                "one, [d_model, d_model]. It is no lens, or of another place than the stream."
            )
        if shape != first:
            raise ShapeError(
                f"{place}: the matrices are not of one size: layer {layer} is {shape[0]} wide, "
                f"layer {next(iter(shapes))} {first[0]}. The file holds lenses of several models."
            )
    return first[0]
