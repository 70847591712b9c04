"""Where columns lie: all that is not said to be a column's may be zeros, and it is read alike."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unembed.errors import FormatError
from unembed.parquet import write_parquet
from unembed.parquet_footer import TAIL_BYTES, RowGroup, footer_range, row_groups

ROWS, IN_GROUP = 1000, 300


@pytest.fixture
def table() -> pl.DataFrame:
    random = np.random.default_rng(0)
    lists = [list(range(each % 7)) for each in range(ROWS)]
    return pl.DataFrame(
        {
            "text": [f"word {each % 17}" for each in range(ROWS)],
            "number": random.normal(size=ROWS),
            "ids": pl.Series(lists, dtype=pl.List(pl.Int32)),
            "parts": pl.Series(
                [[{"set": each, "z": 0.5}] if each % 3 else [] for each in range(ROWS)]
            ),
            "none": pl.Series([None] * ROWS, dtype=pl.Float32),
            "flag": [each % 2 == 0 for each in range(ROWS)],
        }
    )


def groups_of(raw: bytes) -> list[RowGroup]:
    start, stop = footer_range(raw[-TAIL_BYTES:], len(raw))
    return row_groups(raw[start : stop - TAIL_BYTES], len(raw))


def without_all_but(raw: bytes, keep: list[tuple[int, int]]) -> bytes:
    start, stop = footer_range(raw[-TAIL_BYTES:], len(raw))
    found = bytearray(len(raw))
    for first, last in [(0, 4), *keep, (start, stop)]:
        found[first:last] = raw[first:last]
    return bytes(found)


def test_columns_are_where_they_are_said_to_be(tmp_path: Path, table: pl.DataFrame) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, table, rows_in_group=IN_GROUP)
    raw = path.read_bytes()
    groups = groups_of(raw)
    assert [group.rows for group in groups] == [300, 300, 300, 100]
    for name in table.columns:
        places = [each for group in groups for each in group.columns[name]]
        assert sum(stop - start for start, stop in places) < len(raw) / 2
        read = pl.read_parquet(BytesIO(without_all_but(raw, places)), columns=[name])
        assert read.equals(table.select(name))
    missing = [each for group in groups[1:] for each in group.columns["number"]]
    with pytest.raises(pl.exceptions.PolarsError):
        pl.read_parquet(BytesIO(without_all_but(raw, missing)), columns=["number"])


def test_what_polars_and_others_write(table: pl.DataFrame) -> None:
    for compression in ("zstd", "snappy", "uncompressed"):
        for statistics in (True, "full"):
            whole = BytesIO()
            table.write_parquet(whole, compression=compression, statistics=statistics)
            groups = groups_of(whole.getvalue())
            assert sum(group.rows for group in groups) == ROWS
            assert list(groups[0].columns) == table.columns


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_footer_ends_in_anything_but_a_word(data: st.DataObject) -> None:
    whole = BytesIO()
    pl.DataFrame({"a": [1, 2], "b": [[1], []]}).write_parquet(whole)
    raw = whole.getvalue()
    start, stop = footer_range(raw[-TAIL_BYTES:], len(raw))
    footer = bytearray(raw[start : stop - TAIL_BYTES])
    for _ in range(data.draw(st.integers(1, 4))):
        footer[data.draw(st.integers(0, len(footer) - 1))] = data.draw(st.integers(0, 255))
    footer = footer[: data.draw(st.integers(0, len(footer)))]
    try:
        groups = row_groups(bytes(footer), len(raw))
    except FormatError:
        return
    assert all(0 <= a <= b <= len(raw) for g in groups for r in g.columns.values() for a, b in r)


@pytest.mark.parametrize(
    "tail", [b"", b"PAR1", b"\xff\xff\xff\xffPAR1", b"\0\0\0\0PAR1", b"12345678"]
)
def test_no_end_of_a_table(tail: bytes) -> None:
    with pytest.raises(FormatError, match="does not end as"):
        footer_range(tail, 1000)
