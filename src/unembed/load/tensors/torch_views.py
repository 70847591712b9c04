"""Tensors of a torch file: views of storages, in nested containers."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import torch

from unembed.errors import FormatError
from unembed.load.tensors.elements import Bytes, as_tensor, extent
from unembed.load.tensors.file import Part, check_tensor, no_tensor
from unembed.outside.limits import PICKLE_NODES, SPREAD_BYTES, TENSOR_AXES, TENSOR_NAME

WHOLE = "tensor"
"""What the tensor of a file is called that holds no more than one."""
_DEPTH = 64
"""How deep containers may lie in one another; a pickle may even hold one that holds itself."""

_LEFT_OUT = object()
"""What stands for a value that is not plain, on the way."""

shown = reprlib.Repr().repr
"""A value of a pickle as errors show it: one that holds another twice, and so on, has no end."""


class Storage(NamedTuple):
    """A run of elements that tensors are views of.

    Attributes:
        key: its name in the file.
        dtype: of its elements; uint8 where it is untyped.
        size: how many elements it has.
    """

    key: str
    dtype: torch.dtype
    size: int


class View(NamedTuple):
    """A tensor: which elements of a storage, in elements of `dtype`."""

    storage: Storage
    dtype: torch.dtype
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def span(self) -> tuple[int, int]:
        """The first and last byte of the storage that it needs, a half-open range."""
        first = self.offset * self.dtype.itemsize
        return first, first + extent(self.shape, self.strides) * self.dtype.itemsize

    @property
    def is_dense(self) -> bool:
        """Whether its elements lie one after another, in C order."""
        return self.strides == tuple(prod(self.shape[at + 1 :]) for at in range(len(self.shape)))

    def tensor(self, raw: Bytes, *, swap: bool, part: Part | None) -> torch.Tensor:
        """Return the tensor, or a part of it, given the bytes of its span."""
        return as_tensor(raw, self.dtype, self.shape, strides=self.strides, swap=swap, part=part)


@dataclass(frozen=True)
class Unread:
    """A tensor of a kind that is not read: sparse, quantised, without values.

    Attributes:
        kind: in a word.
    """

    kind: str


def said_beside(value: object) -> dict[str, Any]:
    """Return what a file says beside its tensors: tables, lists, texts, numbers, flags and null.

    Keys become texts. Tensors are left out, and whatever else is none of these.

    Raises:
        ValueError: when containers lie too deep, or hold more than a file of weights does.
    """
    found = _plain(value, _Room(), 0)
    return found if isinstance(found, dict) else {}


class _Room:
    """How many values may still be taken: lists that hold one another twice have no end."""

    def __init__(self) -> None:
        self.left = PICKLE_NODES

    def take(self, count: int) -> None:
        """Take some more.

        Raises:
            ValueError: when they are too many.
        """
        self.left -= count
        if self.left < 0:
            raise ValueError(f"its containers hold more than {PICKLE_NODES:,} values")


def _plain(value: object, room: _Room, depth: int) -> object:
    """Return a value without what is not plain; `_LEFT_OUT` for what is not plain itself."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if depth > _DEPTH:
        raise ValueError("its containers lie too deep in one another")
    if isinstance(value, dict):
        room.take(dict.__len__(value))
        items = {str(k): _plain(v, room, depth + 1) for k, v in dict.items(value)}
        return {key: each for key, each in items.items() if each is not _LEFT_OUT}
    if isinstance(value, list | tuple) and not isinstance(value, View | Storage):
        room.take(len(value))
        return [e for v in value if (e := _plain(v, room, depth + 1)) is not _LEFT_OUT]
    return _LEFT_OUT


def checked_view(
    storage: Storage,
    dtype: torch.dtype,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
) -> View:
    """Return a view, which must not lead out of its storage.

    Raises:
        ValueError: when it does, or its numbers are none.
    """
    said = f"a tensor has shape {shown(shape)}, strides {shown(strides)}, offset {shown(offset)}"
    if not (
        isinstance(storage, Storage) and isinstance(shape, tuple) and isinstance(strides, tuple)
    ):
        raise ValueError(said)
    numbers = (offset, *shape[: TENSOR_AXES + 1], *strides[: TENSOR_AXES + 1])
    if len(shape) > TENSOR_AXES or len(shape) != len(strides):
        raise ValueError(said)
    if not all(type(number) is int and 0 <= number < 1 << 62 for number in numbers):
        raise ValueError(said)
    check_tensor("", shape)
    if prod(shape) * dtype.itemsize > max(SPREAD_BYTES, storage.size * storage.dtype.itemsize):
        raise ValueError(f"{said}, which repeats {storage.size:,} elements over and over")
    last = (offset + extent(shape, strides)) * dtype.itemsize
    if prod(shape) and last > storage.size * storage.dtype.itemsize:
        raise ValueError(f"a tensor leads out of its storage of {storage.size:,} elements")
    return View(storage, dtype, offset, shape, strides)


def flattened(value: object) -> dict[str, View | Unread]:
    """Return the tensors of nested containers, by their keys joined with dots.

    Numbers, texts and whatever else is no tensor are left out.

    Raises:
        ValueError: when two tensors would have one name, or containers lie too deep.
    """
    if isinstance(value, View | Unread):
        return {WHOLE: value}
    found: dict[str, View | Unread] = {}
    for name, tensor in _leaves(value):
        if found.setdefault(name, tensor) is not tensor:
            raise ValueError(f"two tensors in it are called {name!r}")
    return found


def _leaves(value: object) -> Iterator[tuple[str, View | Unread]]:
    """Yield the tensors of containers in order; of one that holds another twice, both times."""
    open_: list[tuple[object, str, int]] = [(value, "", 0)]
    seen = 0
    while open_:
        found, prefix, depth = open_.pop()
        if isinstance(found, View | Unread):
            yield prefix, found
            continue
        items: Any = ()
        if isinstance(found, dict):  # an instance may hide `items` under an attribute
            items = dict.items(found)
        elif isinstance(found, list | tuple) and not isinstance(found, Storage):
            items = list(enumerate(found))
        if depth > _DEPTH and items:
            raise ValueError("its containers lie too deep in one another")
        seen += len(items)
        if seen > PICKLE_NODES:  # one that holds another twice, and so on, has no end
            raise ValueError(f"its containers hold more than {PICKLE_NODES:,} values")
        inside = []
        for key, inner in items:
            if isinstance(inner, View | Unread | dict | list | tuple):
                name = f"{prefix}.{key}" if prefix else str(key)
                if len(name) > TENSOR_NAME:
                    said = f"a tensor's name has {len(name):,} characters: {name[:40]!r}…"
                    raise ValueError(said)
                inside.append((inner, name, depth + 1))
        open_ += reversed(inside)


def shapes_of(views: Mapping[str, View | Unread]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors that can be read."""
    return {name: view.shape for name, view in views.items() if isinstance(view, View)}


def view_of(place: str, tensor: str, views: Mapping[str, View | Unread]) -> View:
    """Return one tensor of a file.

    Raises:
        FormatError: when there is none of that name, or it has no plain values.
    """
    found = views.get(tensor)
    if found is None:
        raise no_tensor(place, tensor, shapes_of(views))
    if isinstance(found, Unread):
        raise FormatError(
            f"{place}: tensor {tensor} is {found.kind}, and only plain tensors are read. Save it "
            "again as one, with tensor.to_dense() or tensor.dequantize()."
        )
    return found
