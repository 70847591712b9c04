"""A GGUF file (llama.cpp), whole or in parts, dequantised by the `gguf` package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unembed.errors import FormatError, MissingExtraError, SourceError
from unembed.load.tensors.blob import Piece
from unembed.load.tensors.elements import raw_bytes
from unembed.load.tensors.file import no_tensor
from unembed.load.tensors.gguf_header import Header, Placed, read_header, text_of
from unembed.outside.row_reader import RowReader

_PLAIN = {"F32": np.float32, "F16": np.float16, "F64": np.float64, "I8": np.int8, "I16": np.int16,
          "I32": np.int32, "I64": np.int64}  # fmt: skip
"""NumPy's types of what is stored number by number; all else lies in blocks of bytes."""
_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")


class GGUFFile:
    """Metadata and tensors of a GGUF file; tensors are dequantised one at a time.

    Args:
        parts: the file, or each of its parts in order, with its header.

    Raises:
        FormatError: when two parts have the same tensor.
    """

    def __init__(self, parts: Mapping[Path, Header]) -> None:
        self.path, self._header = next(iter(parts.items()))
        self._tensors: dict[str, tuple[Path, Placed]] = {}
        for path, header in parts.items():
            for name, placed in header.tensors.items():
                if name in self._tensors:
                    raise _damaged(path, f"tensor {name!r} is in another part too")
                self._tensors[name] = path, placed
        self._shapes = {name: placed.shape for name, (_, placed) in self._tensors.items()}

    def metadata(self, key: str, **default: Any) -> Any:
        """Return a metadata value; a missing key returns `default` where one is given.

        Raises:
            FormatError: when the key is missing and there is no default, or its text is no UTF-8.
        """
        if key in self._header.values:
            try:
                return _plain(self._header.values[key], key)
            except ValueError as error:
                raise _damaged(self.path, error) from error
        if "default" in default:
            return default["default"]
        raise FormatError(f"{self.path} has no metadata {key!r}, so it is no language model.")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor, outermost axis first as in PyTorch."""
        return self._shapes

    def read(self, tensor: str, item: int | None = None) -> torch.Tensor:
        """Return one tensor in float32, dequantised; or one matrix of a tensor of several.

        Raises:
            FormatError: when there is no such tensor, or the gguf package cannot dequantise it.
        """
        path, placed = self._found(tensor)
        if item is None:
            return _dequantised(path, tensor, placed)
        return _dequantised(path, tensor, placed.rows(item, item + 1))[0]

    def rows(self, tensor: str) -> RowReader:
        """Return the rows of a tensor in float32, each dequantised when it is read.

        Raises:
            FormatError: when there is no such tensor; at a read, when the gguf package cannot
                dequantise it.
        """
        path, placed = self._found(tensor)

        def read(start: int, stop: int) -> torch.Tensor:
            return _dequantised(path, tensor, placed.rows(start, stop))

        return RowReader(placed.shape, read)

    def _found(self, tensor: str) -> tuple[Path, Placed]:
        """Return the file that a tensor is in, and where."""
        if tensor not in self._tensors:
            raise no_tensor(str(self.path), tensor, self.shapes())
        return self._tensors[tensor]


def _dequantised(path: Path, tensor: str, placed: Placed) -> torch.Tensor:
    from gguf import GGMLQuantizationType, quants

    kind = GGMLQuantizationType(placed.kind)
    raw = raw_bytes(Piece(path, placed.start), placed.n_bytes, whole=True)
    dtype = _PLAIN.get(kind.name)
    shape = placed.shape if dtype else quants.quant_shape_to_byte_shape(placed.shape, kind)
    try:
        values = quants.dequantize(raw.view(dtype or np.uint8).reshape(shape), kind)
    except NotImplementedError as error:
        raise FormatError(
            f"{path}: tensor {tensor} is quantised as {kind.name}, which the gguf package "
            "cannot undo. Take a file of another quantisation, such as Q8_0."
        ) from error
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def _plain(value: Any, key: str) -> Any:
    """Return a metadata value as Python's numbers, texts and lists of them."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [_plain(each, f"item {at:,} of {key!r}") for at, each in enumerate(value)]
    return text_of(value, key) if isinstance(value, bytes) else value


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
    header = _opened(gguf, path)
    count = _count(path, header)
    if count > 1:
        raise FormatError(
            f"{path} is one of {count} parts of a model (split.count), but its name does not "
            f"say which. Name the parts as llama.cpp does: …-00001-of-{count:05}.gguf."
        )
    return GGUFFile({path: header})


def _in_parts(
    gguf: Any, path: Path, named: re.Match[str], fetch: Callable[[str], Path] | None
) -> GGUFFile:
    total = int(named["count"])
    paths = [_part(path, named["stem"], number, total, fetch) for number in range(1, total + 1)]
    parts = {part: _opened(gguf, part) for part in paths}
    for part, header in parts.items():
        count = _count(part, header)
        if count not in (total, 0):
            raise FormatError(
                f"{part} says that it is one of {count} parts (split.count), but its name "
                f"says {total}. It belongs to another model; download all parts again."
            )
    return GGUFFile(parts)


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


def _count(path: Path, header: Header) -> int:
    """Return how many parts a file says that it belongs to; 0 where it says nothing."""
    count = header.values.get("split.count", 0)
    if type(count) is not int:
        raise _damaged(path, "its split.count is no number")
    return count


def _opened(gguf: Any, path: Path) -> Header:
    sizes = {kind.value: size for kind, size in gguf.GGML_QUANT_SIZES.items()}
    try:
        return read_header(path, sizes)
    except (ValueError, OSError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, reason: object) -> FormatError:
    return FormatError(f"{path} cannot be read as GGUF: {reason}. Download it again.")
