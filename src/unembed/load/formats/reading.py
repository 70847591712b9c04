"""How formats read what they have found: configs, and matrices of directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from torch import Tensor

from unembed.errors import FormatError, listed
from unembed.load.folder import Folder
from unembed.load.tensors.file import Part, TensorFile
from unembed.outside import limits
from unembed.outside.arrays import float_tensor
from unembed.outside.documents import read_json, read_yaml
from unembed.outside.fields import Fields

Faces = Literal["rows", "columns"]
"""`rows`: stored [F, d], one direction a row. `columns`: stored [d, F]."""


def read_config(folder: Folder, name: str) -> Fields:
    """Return the settings of a config file, JSON or YAML by its name.

    Raises:
        FormatError: when it cannot be read as a table of settings.
    """
    path = folder.fetch(name)
    read = read_yaml if name.endswith((".yaml", ".yml")) else read_json
    return Fields(read(path, limits.CONFIG_BYTES), f"{folder.name}/{name}")


def matrix(
    file: TensorFile,
    tensor: str,
    place: str,
    *,
    faces: Faces = "rows",
    part: Part | None = None,
    bias: str | None = None,
    by_width: bool = False,
) -> Callable[[int | None], Tensor]:
    """Return what reads one matrix of directions as [F, width].

    Args:
        file: where it is.
        tensor: its name.
        place: the file, as errors name it.
        faces: how the format stores it.
        part: which part of the tensor is the matrix, as an index.
        bias: the tensor that is as long as a direction, where the format has one (`b_dec`); it
            tells the two axes apart whatever the format says.
        by_width: whether the format leaves it to the width of the model which axis is which.
    """

    def read(width: int | None) -> Tensor:
        shapes = file.shapes()
        rank = len(shapes.get(tensor, ())) - sum(isinstance(at, int) for at in part or ())
        if tensor in shapes and rank != 2:
            raise FormatError(
                f"{place}: {tensor} has shape {list(shapes[tensor])}; expected a matrix of "
                "directions, [features, d_model]."
            )
        found = file.read(tensor, part)
        found = directions_in(found, f"{place}, tensor {tensor},")
        known = next(iter(shapes.get(bias or "", ())[-1:]), None)
        turned = faces_of(found.shape, width if by_width and not known else known, faces)
        return found.T if turned == "columns" else found

    return read


def scaled(read: Callable[[int | None], Tensor], factor: float) -> Callable[[int | None], Tensor]:
    """Return what reads the same directions, all times one number."""
    return read if factor == 1 else lambda width: read(width).float() * factor


def faces_of(shape: Sequence[int], width: int | None, faces: Faces) -> Faces:
    """Return how a matrix is turned: the width tells, where one axis alone fits it.

    >>> faces_of((20, 8), 8, "columns"), faces_of((8, 8), 8, "columns")
    ('rows', 'columns')
    """
    rows, columns = shape[1] == width, shape[0] == width
    return faces if rows == columns else "rows" if rows else "columns"


def directions_in(found: Tensor, what: str) -> Tensor:
    """Return a tensor of a file in float32; its numbers must be directions as they are stored.

    Raises:
        FormatError: for whole numbers and for 8-bit floats, whose scales would have to be known;
            for a row that float32 cannot hold.
    """
    if not found.is_floating_point() or found.element_size() < 2:
        dtype = str(found.dtype).removeprefix("torch.")
        raise FormatError(
            f"{what} holds {dtype} without scales that are understood; expected directions in "
            "floating point of 16 to 64 bits."
        )
    return float_tensor(found, what, error=FormatError)


def numbers_of(
    file: TensorFile, tensor: str, place: str, shape: tuple[int, ...] | None = None
) -> Tensor:
    """Return a tensor beside the directions in float32: lengths, scales, densities.

    Args:
        file: where it is.
        tensor: its name.
        place: the file, as errors name it.
        shape: that it must have; by default one number, of any shape, which is returned as [].

    Raises:
        FormatError: when it has another shape, or does not hold floating point.
    """
    found = file.read(tensor)
    if (found.numel() != 1) if shape is None else (tuple(found.shape) != shape):
        wanted = "one number" if shape is None else str([*shape])
        raise FormatError(
            f"{place}: {tensor} has shape {list(found.shape)}; expected {wanted}, to go with the "
            "directions. The file is damaged, or its parts do not belong together."
        )
    values = directions_in(found, f"{place}, tensor {tensor},")
    return values.reshape(()) if shape is None else values


def only(file: TensorFile, *names: str) -> str | None:
    """Return the one tensor of a file that has one of these names, also inside other dicts.

    `ae.decoder.weight` is `decoder.weight` of a checkpoint that nests its state dict. The first
    name that is there counts; what an optimizer keeps does not.
    """
    for name in names:
        found = [
            each
            for each in file.shapes()
            if (each == name or each.endswith(f".{name}")) and "optim" not in each
        ]
        if name in found or len(found) == 1:
            return name if name in found else found[0]
    return None


def bias_of(file: TensorFile, tensor: str) -> str | None:
    """Return the tensor beside a decoder that is as long as a direction, where there is one.

    Beside `W_dec` it is called `b_dec`; beside a linear layer's `decoder.weight` in several ways.
    """
    linear = tensor.endswith("decoder.weight")
    prefix = tensor.removesuffix("W_dec").removesuffix("decoder.weight")
    names = ("b_dec", "decoder.bias", "decoder_bias", "bias") if linear else ("b_dec",)
    return next((f"{prefix}{name}" for name in names if f"{prefix}{name}" in file.shapes()), None)


def no_decoder(place: str, file: TensorFile) -> FormatError:
    """Return the error for a file of a format that lacks the format's decoder."""
    return FormatError(f"{place} has no decoder. It holds: {listed(file.shapes())}.")
