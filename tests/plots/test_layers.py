"""Figures by layer: counts and percentiles of the run's own features."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plots import reading
from unembed import Run
from unembed.errors import QueryError
from unembed.plots import classes, percentiles, spread


def test_classes_are_counted_by_bank(run: Run) -> None:
    figure = classes(run)
    assert list(figure.layout.xaxis.ticktext) == ["mlp.2<br>layer 2", "mlp.7<br>layer 7"]
    total = np.zeros(2)
    for trace in reading.traces(figure, "bar"):
        shares = reading.array(trace["y"])
        for at, bank in enumerate(("mlp.2", "mlp.7")):
            of_bank = run.features.filter(bank=bank)
            count = sum(name == trace["name"] for name in of_bank["class"])
            assert trace["customdata"][at] == count
            assert shares[at] == pytest.approx(100 * count / len(of_bank))
        total += shares
    np.testing.assert_allclose(total, 100)


def test_boxes_are_percentiles(run: Run) -> None:
    boxes = reading.traces(spread(run), "box")
    for box, (column, normal) in zip(boxes, (("skewness", 0), ("kurtosis", 3)), strict=True):
        for at, bank in enumerate(("mlp.2", "mlp.7")):
            values = run.features.filter(bank=bank)[column].drop_nulls().to_numpy()
            ends = ("lowerfence", "q1", "median", "q3", "upperfence")
            found = [0.3 * np.sinh(reading.array(box[end])[at]) + normal for end in ends]
            expected = np.percentile(values, (1, 25, 50, 75, 99))
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    least = reading.traces(spread(run), "scatter")[0]
    smallest = run.features.filter(bank="mlp.2")["skewness"].min()
    assert 0.3 * np.sinh(reading.array(least["y"])[0]) == pytest.approx(smallest)


def test_dashes_are_each_banks_cut_offs(run: Run) -> None:
    dashes = reading.named(spread(run), "envelope")
    found = {
        (round((each["x0"] + each["x1"]) / 2), each["yref"], round(float(np.sinh(each["y0"])), 6))
        for each in dashes
    }
    for at, bank in enumerate(("mlp.2", "mlp.7")):
        row = run.features.filter(bank=bank).row(0, named=True)
        for axis, value in (("y", row["skewness_below"]), ("y", row["skewness_above"]),
                            ("y2", row["kurtosis_above"] - 3)):  # fmt: skip
            assert (at, axis, round(value / 0.3, 6)) in found
    assert len(dashes) == 6


def test_lines_are_medians_at_their_layers(run: Run) -> None:
    lines = [t for t in reading.traces(percentiles(run), "scatter") if t["name"] == "mlp"]
    for line, (column, normal) in zip(lines, (("skewness", 0), ("kurtosis", 3)), strict=True):
        assert line["x"] == [2, 7]
        for place, bank in zip(reading.array(line["y"]), ("mlp.2", "mlp.7"), strict=True):
            values = run.features.filter(bank=bank)[column].drop_nulls().to_numpy()
            assert 0.3 * np.sinh(place) + normal == pytest.approx(np.median(values), rel=1e-6)


def test_bands_hold_the_percentiles(run: Run) -> None:
    bands = [t for t in reading.traces(percentiles(run), "scatter") if "5 to 95" in t["name"]]
    outline = reading.array(bands[1]["y"])
    values = run.features.filter(bank="mlp.7")["kurtosis"].drop_nulls().to_numpy()
    expected = np.arcsinh((np.percentile(values, (5, 95)) - 3) / 0.3)
    np.testing.assert_allclose([outline[1], outline[2]], expected, rtol=1e-6)


def test_runs_without_sets(without_sets: Run) -> None:
    assert not reading.named(spread(without_sets), "envelope")
    assert "Dashes" not in reading.caption(spread(without_sets))
    with pytest.raises(QueryError, match="without token sets"):
        classes(without_sets)


@pytest.mark.parametrize("draw", [classes, spread, percentiles])
def test_mistakes(run: Run, draw: object) -> None:
    with pytest.raises(QueryError, match=r"no bank 'mlp\.70'.*Did you mean"):
        draw(run, bank=["mlp.2", "mlp.70"])  # type: ignore[operator]
