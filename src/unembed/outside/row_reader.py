"""`RowReader`: a matrix read a few rows at a time, since it may be too large to be held twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from torch import Tensor

ROWS_AT_ONCE = 256
"""A few MB at the widest models: several such are held on the way, and the heap keeps some."""


class RowReader(NamedTuple):
    """A matrix whose rows are read when they are needed, and not kept.

    Attributes:
        shape: of the whole, two numbers where it is a matrix.
        read: returns rows start … stop of it, in the dtype that they have.
    """

    shape: tuple[int, ...]
    read: Callable[[int, int], Tensor]

    @classmethod
    def of(cls, matrix: Tensor) -> RowReader:
        """Return the rows of a matrix that is in memory."""
        return cls(tuple(matrix.shape), lambda start, stop: matrix[start:stop])

    def each(self, change: Callable[[Tensor], Tensor]) -> RowReader:
        """Return the rows as `change`, which takes some of them at a time, makes them."""
        return RowReader(self.shape, lambda start, stop: change(self.read(start, stop)))

    def parts(self) -> Iterator[tuple[int, Tensor]]:
        """Yield the rows a few at a time, with the number of the first."""
        for start in range(0, self.shape[0], ROWS_AT_ONCE):
            yield start, self.read(start, min(start + ROWS_AT_ONCE, self.shape[0]))

    def whole(self) -> Tensor:
        """Return all rows at once."""
        return self.read(0, self.shape[0])
