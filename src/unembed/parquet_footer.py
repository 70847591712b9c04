"""Where in a Parquet file its columns lie: the footer, read without the rest of the file.

A footer is one struct in Thrift's compact protocol (apache/parquet-format, `parquet.thrift`, and
apache/thrift, `thrift-compact-protocol.md`). What is taken from it are the places of column chunks;
the tables themselves are read by polars.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from unembed.distant import DistantFile
from unembed.errors import FormatError, RunError

MAGIC = b"PAR1"
TAIL_BYTES = 8
"""At a file's end: the length of its footer, and the magic."""
LARGEST = 64 * 2**20
"""Of a footer: a table of ten thousand columns and hundred row groups needs less."""
_DEEPEST = 32
_MOST = 4_000_000
"""Values in a footer."""

Range = tuple[int, int]


class RowGroup(NamedTuple):
    """A stretch of a table's rows.

    Attributes:
        rows: how many.
        columns: where the bytes of each top-level column lie, by its name.
    """

    rows: int
    columns: dict[str, list[Range]]


def footer_range(tail: bytes, size: int) -> Range:
    """Return where a file has its footer, with the last `TAIL_BYTES` of the file.

    Raises:
        FormatError: when these are not the last bytes of a Parquet file.
    """
    length = int.from_bytes(tail[:4], "little")
    if len(tail) != TAIL_BYTES or tail[4:] != MAGIC or not 0 < length <= min(LARGEST, size - 12):
        raise FormatError("it does not end as a Parquet file does")
    return size - TAIL_BYTES - length, size


def row_groups(footer: bytes, size: int) -> list[RowGroup]:
    """Return where the columns of a table lie.

    Args:
        footer: its bytes, without the file's last eight.
        size: of the file, in bytes.

    Raises:
        FormatError: when it is no footer, or leads out of the file.
    """
    try:
        groups = _Compact(footer).struct()[4]
        found = [_group(group) for group in groups]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, UnicodeDecodeError) as bad:
        raise FormatError(f"its footer cannot be understood ({bad})") from bad
    ranges = (each for group in found for ranges in group.columns.values() for each in ranges)
    if not all(0 <= start <= stop <= size for start, stop in ranges):
        raise FormatError("its footer speaks of bytes that the file has not")
    return found


def _group(group: dict[int, Any]) -> RowGroup:
    columns: dict[str, list[Range]] = {}
    for chunk in group[1]:
        said = chunk[3]  # ColumnMetaData
        starts = [said[9], *(said[at] for at in (11,) if at in said)]  # data, and dictionary
        start, length = min(starts), said[7]
        columns.setdefault(said[3][0].decode(), []).append((start, start + length))
    if not isinstance(group[3], int):
        raise ValueError("a row group without rows")
    return RowGroup(group[3], columns)


def need_footer(file: DistantFile) -> bytes:
    """Have a distant table's footer here, and return it.

    Raises:
        RunError: when it cannot be had, or is none.
    """
    try:
        file.need((max(file.size - TAIL_BYTES, 0), file.size))
        with file.path.open("rb") as opened:
            opened.seek(max(file.size - TAIL_BYTES, 0))
            start, stop = footer_range(opened.read(), file.size)
            file.need((start, stop))
            opened.seek(start)
            return opened.read(stop - start - TAIL_BYTES)
    except FormatError as error:
        raise RunError(f"{file.path} is no table: {error}. Tell whoever published it.") from error


def need_columns(
    file: DistantFile, columns: Collection[str] | None, rows: Collection[int] | None = None
) -> list[Range]:
    """Have some columns of a distant table here, and return the rows that they are here of.

    Args:
        file: the table.
        columns: by name; None for all.
        rows: that are wanted, None for all: they come with others of their row groups.

    Raises:
        RunError: when they cannot be had.
    """
    file.look()
    try:
        groups = row_groups(need_footer(file), file.size)
    except FormatError as error:
        raise RunError(f"{file.path} is no table: {error}. Tell whoever published it.") from error
    ranges: list[Range] = []
    here: list[Range] = []
    first = 0
    for group in groups:
        stop = first + group.rows
        if rows is None or any(first <= row < stop for row in rows):
            here.append((first, stop))
            for name, places in group.columns.items():
                ranges += places if columns is None or name in columns else ()
        first = stop
    if ranges:
        file.need(*ranges)
    return here


class _Compact:
    """A reader of Thrift's compact protocol: a struct becomes its fields' values by their ids."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._at, self._left, self._depth = raw, 0, _MOST, 0
        self._kinds: dict[int, Callable[[], Any]] = {
            1: lambda: True, 2: lambda: False, 3: self._byte, 4: self._signed, 5: self._signed,
            6: self._signed, 7: lambda: self._take(8), 8: lambda: self._take(self._unsigned()),
            9: self._list, 10: self._list, 11: self._map, 12: self.struct,
        }  # fmt: skip

    def struct(self) -> dict[int, Any]:
        """Return the struct that stands here."""
        found: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._signed()
            found[field] = self._value(head & 15)
        return found

    def _value(self, kind: int) -> Any:
        self._left -= 1
        self._depth += 1
        if self._left < 0 or self._depth > _DEEPEST:
            raise ValueError("more values than a footer has")
        found = self._kinds[kind]()
        self._depth -= 1
        return found

    def _list(self) -> list[Any]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._unsigned()
        kind = head & 15
        # a truth in a list takes a byte, unlike a field's
        make = self._byte if kind in (1, 2) else lambda: self._value(kind)
        return [make() for _ in range(self._within(count))]

    def _map(self) -> dict[Any, Any]:
        count = self._within(self._unsigned())
        kinds = self._byte() if count else 0
        pairs = ((self._value(kinds >> 4), self._value(kinds & 15)) for _ in range(count))
        return dict(pairs)

    def _within(self, count: int) -> int:
        if count > len(self._raw) - self._at:
            raise ValueError("a list longer than the footer")
        return count

    def _byte(self) -> int:
        return self._take(1)[0]

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return value
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    def _take(self, count: int) -> bytes:
        stop = self._at + count
        if stop > len(self._raw):
            raise ValueError("it is cut short")
        self._at, taken = stop, self._raw[self._at : stop]
        return taken
