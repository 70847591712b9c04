"""A GGUF file (llama.cpp), whole or in parts, read through the `gguf` package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unembed.errors import FormatError, MissingExtraError, SourceError
from unembed.load.tensors.file import no_tensor

_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")


class GGUFFile:
    """Metadata and tensors of a GGUF file; tensors are dequantised one at a time.

    Args:
        path: the file, or the first of its parts.
        readers: of the file, or of each part in order.
    """

    def __init__(self, path: Path, readers: Sequence[Any]) -> None:
        self.path = path
        self._readers = readers
        self._tensors = {tensor.name: tensor for reader in readers for tensor in reader.tensors}
        self._shapes = {
            name: tuple(int(n) for n in reversed(tensor.shape))
            for name, tensor in self._tensors.items()
        }

    def metadata(self, key: str, **default: Any) -> Any:
        """Return a metadata value; a missing key returns `default` where one is given.

        Raises:
            FormatError: when the key is missing and there is no default.
        """
        field = self._readers[0].get_field(key)
        if field is not None:
            return field.contents()
        if "default" in default:
            return default["default"]
        raise FormatError(f"{self.path} has no metadata {key!r}, so it is no language model.")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor, outermost axis first as in PyTorch."""
        return self._shapes

    def read(self, tensor: str, item: int | None = None) -> torch.Tensor:
        """Return one tensor in float32, dequantised; or one matrix of a tensor of several."""
        from gguf.quants import dequantize

        found = self._tensors.get(tensor)
        if found is None:
            raise no_tensor(str(self.path), tensor, self.shapes())
        try:
            data = found.data if item is None else found.data[item]
            values = dequantize(data, found.tensor_type)
        except NotImplementedError as error:
            raise FormatError(
                f"{self.path}: tensor {tensor} is quantised as {found.tensor_type.name}, which "
                "the gguf package cannot undo. Take a file of another quantisation, such as Q8_0."
            ) from error
        return torch.from_numpy(np.array(values, dtype=np.float32))


def open_gguf(path: Path, fetch: Callable[[str], Path] | None = None) -> GGUFFile:
    """Return a GGUF file, with nothing but its header read.

    Args:
        path: the file, or any part of one that is split (`…-00002-of-00003.gguf`).
        fetch: returns the path of another file of its folder; by default, beside it.

    Raises:
        MissingExtraError: when the `gguf` package is not installed.
        FormatError: when the file is damaged or no GGUF file, or a part of it is missing.
    """
    try:
        import gguf
    except ImportError as error:
        raise MissingExtraError(
            "Reading a GGUF file needs the gguf package: pip install 'unembed[gguf]'."
        ) from error
    named = _PART.fullmatch(path.name)
    return _whole(gguf, path) if named is None else _in_parts(gguf, path, named, fetch)


def _whole(gguf: Any, path: Path) -> GGUFFile:
    reader = _opened(gguf, path)
    count = _count(reader)
    if count > 1:
        raise FormatError(
            f"{path} is one of {count} parts of a model (split.count), but its name does not "
            f"say which. Name the parts as llama.cpp does: …-00001-of-{count:05}.gguf."
        )
    return GGUFFile(path, [reader])


def _in_parts(
    gguf: Any, path: Path, named: re.Match[str], fetch: Callable[[str], Path] | None
) -> GGUFFile:
    total = int(named["count"])
    paths = [_part(path, named["stem"], number, total, fetch) for number in range(1, total + 1)]
    readers = [_opened(gguf, part) for part in paths]
    for part, reader in zip(paths, readers, strict=True):
        if _count(reader) not in (total, 0):
            raise FormatError(
                f"{part} says that it is one of {_count(reader)} parts (split.count), but its name "
                f"says {total}. It belongs to another model; download all parts again."
            )
    return GGUFFile(paths[0], readers)


def are_parts(names: Iterable[str]) -> bool:
    """Return whether files are called as the parts of one that is split, by their names alone.

    >>> are_parts(["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]), are_parts(["m.gguf"])
    (True, False)
    """
    found = [_PART.fullmatch(name) for name in names]
    series = {each and (each["stem"], each["count"]) for each in found}
    return len(series) == 1 and None not in series


def _part(
    path: Path, stem: str, number: int, total: int, fetch: Callable[[str], Path] | None
) -> Path:
    """Return the path of one part of a split file."""
    name = f"{stem}-{number:05}-of-{total:05}.gguf"
    if name == path.name:
        return path
    try:
        found = path.with_name(name) if fetch is None else fetch(name)
    except SourceError as error:
        raise _missing_part(path, name, total) from error
    if not found.is_file():
        raise _missing_part(path, name, total)
    return found


def _missing_part(path: Path, name: str, total: int) -> FormatError:
    return FormatError(
        f"{path} is one of {total} parts of a model, and {name} is not beside it. Download it too."
    )


def _count(reader: Any) -> int:
    """Return how many parts a file says that it belongs to; 0 where it says nothing."""
    field = reader.get_field("split.count")
    return int(field.contents()) if field is not None else 0


def _opened(gguf: Any, path: Path) -> Any:
    try:
        return gguf.GGUFReader(path)
    except (ValueError, OSError, IndexError, KeyError) as error:
        raise FormatError(f"{path} cannot be read as GGUF: {error}. Download it again.") from error
