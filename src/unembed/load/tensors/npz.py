"""NumPy's `.npz`: a zip with a `.npy` file for each array, stored or deflated."""

from __future__ import annotations

from functools import cached_property

import torch

from unembed.load.tensors.archive import Archive
from unembed.load.tensors.file import Part, no_tensor
from unembed.load.tensors.npy import Header, header_size, no_numbers, parse_header
from unembed.outside.row_reader import RowReader

ENDING = ".npy"
_HEADER_BYTES = 128
"""How long the header of an array nearly always is."""
_EXTRA_BYTES = 20
"""How long NumPy's extra field is: it writes each entry as if it were very large."""


class Npz:
    """The arrays of a `.npz` file, by the names they were saved under.

    Args:
        archive: the zip.

    Raises:
        FormatError: at the first question, when an entry is damaged.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {n: header.shape for n, header in self._headers.items() if header.torch_dtype}

    def read(self, tensor: str, part: Part | None = None) -> torch.Tensor:
        header = self._headers.get(tensor)
        if header is None:
            raise no_tensor(self.archive.blob.name, tensor, self.shapes())
        if header.torch_dtype is None:
            raise no_numbers(f"{self.archive.blob.name}: {tensor}", header.dtype)
        entry, whole = tensor + ENDING, part is None
        raw = self.archive.content(entry, header.size, header.size + header.n_bytes, whole=whole)
        if whole:
            self.archive.check(entry, self.archive.head(entry, header.size), raw.data)
        return header.tensor(raw, part)

    def rows(self, tensor: str) -> RowReader:
        return RowReader.of(self.read(tensor))

    @cached_property
    def _headers(self) -> dict[str, Header]:
        names = [name for name in self.archive.entries if name.endswith(ENDING)]
        return {name.removesuffix(ENDING): self._header(name) for name in names}

    def _header(self, entry: str) -> Header:
        start = self.archive.head(entry, _HEADER_BYTES, extra=_EXTRA_BYTES)
        try:
            size = header_size(start)
            if size > len(start):
                start = self.archive.head(entry, size)
            return parse_header(start)
        except (ValueError, IndexError) as error:
            raise self.archive.damaged(f"{entry}: {error}") from error
