"""Frames of a run as other libraries have them, pandas, Arrow and NumPy: the same values."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.planted import Planted


@pytest.fixture(params=["features", "tokens", "token_sets", "enrichment", "found"])
def frame(request: pytest.FixtureRequest, tiny: Planted) -> pl.DataFrame:
    import unembed

    run = tiny.run
    if request.param == "enrichment":
        return run.enrichment("a/0")
    if request.param == "found":
        return unembed.find(run, token_set="girls")
    found: pl.DataFrame = getattr(run, request.param)
    return found


def plain(value: Any) -> Any:
    """A cell as Python has it, whichever library it came from."""
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(each) for each in value]
    if value is None or value != value or type(value).__name__ in ("NAType", "NaTType"):
        return None
    return value.item() if isinstance(value, np.generic) else value


def same(one: list[Any], other: list[Any]) -> bool:
    return [plain(each) for each in one] == [plain(each) for each in other]


def test_pandas(frame: pl.DataFrame) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    there = frame.to_pandas()
    assert list(there.columns) == frame.columns
    for name in frame.columns:
        assert same(there[name].tolist(), frame[name].to_list()), name


def test_arrow(frame: pl.DataFrame) -> None:
    arrow = pytest.importorskip("pyarrow")
    table = frame.to_arrow()
    assert table.column_names == frame.columns
    assert table.to_pylist() == frame.to_dicts()
    assert pl.from_arrow(table).equals(frame)
    read = arrow.RecordBatchReader.from_stream(frame).read_all()  # what DuckDB and others ask for
    assert read.to_pylist() == frame.to_dicts()


def test_arrow_without_pyarrow(frame: pl.DataFrame) -> None:
    """The C interface itself: a capsule that any library takes, and polars as well."""
    assert "arrow_array_stream" in repr(frame.__arrow_c_stream__())

    class Foreign:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return frame.__arrow_c_stream__()

    assert pl.DataFrame(Foreign()).equals(frame)


def test_numpy(tiny: Planted) -> None:
    kurtosis = tiny.run.features["kurtosis"]
    assert np.asarray(kurtosis).dtype == np.float64
    assert np.array_equal(np.asarray(kurtosis), kurtosis.to_numpy(), equal_nan=True)
