"""How formats read encoders: as many features as the decoder has, told by shapes alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from unembed.errors import FormatError, listed
from unembed.load.formats.reading import Faces, directions_in, faces_of, only
from unembed.load.tensors.file import Part, TensorFile

Count = Callable[[], int]
"""What says how many features a decoder has, without reading it."""


def features_of(
    file: TensorFile,
    tensor: str,
    faces: Faces = "rows",
    *,
    part: Part | None = None,
    bias: str | None = None,
) -> Count:
    """Return what says how many features a decoder has, by its shape.

    Args:
        file: where it is.
        tensor: its name.
        faces: how the format stores it.
        part: which part of the tensor is the matrix, as an index.
        bias: the tensor that is as long as a direction, where the format has one, as for `matrix`.
    """

    def count() -> int:
        shapes = file.shapes()
        shape = _inside(shapes.get(tensor, ()), part)
        if len(shape) != 2:
            raise FormatError(
                f"The decoder {tensor} has shape {list(shapes.get(tensor, ()))}; expected a "
                "matrix of directions, [features, d_model]."
            )
        width = next(iter(shapes.get(bias or "", ())[-1:]), None)
        return shape[0 if faces_of(shape, width, faces) == "rows" else 1]

    return count


def encoder_rows(
    file: TensorFile,
    name: str,
    place: str,
    faces: Faces,
    features: Count,
    *,
    part: Part | None = None,
) -> Callable[[], Tensor]:
    """Return what reads an encoder as [F, width], a row a feature.

    Which axis is the features' is told by how many the decoder has; where both axes are as long,
    by the format.

    Args:
        file: where it is.
        name: what it is called, also inside other dicts.
        place: the file, as errors name it.
        faces: how the format stores it: `rows` is [F, width], `columns` [width, F].
        features: says how many features the decoder has.
        part: which part of the tensor is the matrix, as an index.
    """

    def read() -> Tensor:
        tensor = only(file, name)
        if tensor is None:
            raise FormatError(
                f"{place} has no encoder {name}, so what its features read is "
                f"not known. It holds: {listed(file.shapes())}."
            )
        shape, expected = _inside(file.shapes()[tensor], part), features()
        if len(shape) != 2 or expected not in shape:
            raise FormatError(
                f"{place}: the encoder {tensor} has shape {list(file.shapes()[tensor])}, but the "
                f"decoder has {expected:,} features. They do not belong together."
            )
        found = directions_in(file.read(tensor, part), f"{place}, tensor {tensor},")
        turned = "rows" if shape[0] == expected else "columns"
        turned = faces if shape[0] == shape[1] else turned
        return found.T if turned == "columns" else found

    return read


def _inside(shape: Sequence[int], part: Part | None) -> tuple[int, ...]:
    """Return the shape of a part of a tensor: the axes at which one place is named are gone."""
    named = {axis for axis, at in enumerate(part or ()) if isinstance(at, int)}
    return tuple(length for axis, length in enumerate(shape) if axis not in named)
