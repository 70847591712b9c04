"""The scatter of skewness and kurtosis: what it draws is what the run holds."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plots import reading
from unembed import Run
from unembed.errors import QueryError
from unembed.plots import shape


def off_axis(places: np.ndarray) -> np.ndarray:
    return 0.3 * np.sinh(places)


def test_every_feature_lies_where_its_tails_say(run: Run) -> None:
    found = reading.dots(shape(run))
    features = run.features.filter(run.features["kurtosis"].is_not_null())
    assert len(found) == 339
    for column, normal, at in (("skewness", 0, 0), ("kurtosis", 3, 1)):
        expected = np.sort(features[column].to_numpy())
        np.testing.assert_allclose(np.sort(off_axis(found[:, at]) + normal), expected, rtol=1e-4,
                                   atol=1e-5)  # fmt: skip


def test_ticks_name_their_places(run: Run) -> None:
    figure = shape(run)
    for axis, normal in ((figure.layout.xaxis, 0), (figure.layout.yaxis, 3)):
        values = [float(text.replace("−", "-").replace(",", "")) for text in axis.ticktext]
        np.testing.assert_allclose(off_axis(np.array(axis.tickvals)) + normal, values, atol=1e-9)
        assert 3 < len(values) < 18


def test_colours_are_std(run: Run) -> None:
    (dots,) = reading.traces(shape(run, bank="mlp.2"), "scattergl")
    colours = reading.array(dots["marker"]["color"])
    expected = run.features.filter(bank="mlp.2")["std"].to_numpy()
    np.testing.assert_allclose(colours, expected, rtol=1e-6)


def test_classes_have_colours_and_counts(run: Run) -> None:
    figure = shape(run, color="class")
    for trace in reading.traces(figure, "scattergl"):
        name, _, count = trace["name"].partition(" (")
        expected = run.features.filter(run.features["class"] == name)
        assert int(count.rstrip(")").replace(",", "")) == expected.height
        addresses = {text.split("<b>")[1].split("</b>")[0] for text in trace["text"]}
        assert addresses == {f"{b}/{i}" for b, i in expected.select("bank", "index").iter_rows()}
    assert len({trace["marker"]["color"] for trace in reading.traces(figure, "scattergl")}) > 1


def test_the_envelope_is_that_of_the_banks(run: Run) -> None:
    shapes = reading.named(shape(run, bank="mlp.7"), "envelope")
    row = run.features.filter(bank="mlp.7").row(0, named=True)
    level, *upright = shapes
    assert off_axis(level["y0"]) + 3 == pytest.approx(row["kurtosis_above"])
    assert [off_axis(each["x0"]) for each in upright] == pytest.approx(
        [row["skewness_below"], row["skewness_above"]]
    )
    both = reading.named(shape(run), "envelope")[0]
    ends = {run.features.filter(bank=bank)["kurtosis_above"][0] for bank in run.banks}
    assert [off_axis(both[end]) + 3 for end in ("y0", "y1")] == pytest.approx(sorted(ends))


def test_pointing_at_a_feature_says_what_it_is(run: Run) -> None:
    (dots,) = reading.traces(shape(run), "scattergl")
    (said,) = (text for text in dots["text"] if text.startswith("<b>mlp.7/3</b>"))
    row = run.feature("mlp.7/3")
    assert f"'{row['top_tokens'][0]}'" in said
    assert row["label"][:20].replace("<", "&lt;").replace(">", "&gt;") in said
    assert f"kurtosis {row['kurtosis']:.2f}" in said


def test_the_outermost_are_named(run: Run) -> None:
    names = {each["text"] for each in reading.named(shape(run, labels=5), "label")}
    assert len(names) == 5
    assert {"mlp.7/3", "mlp.7/4"} <= names
    tails = np.abs(run.features.select("skewness", "kurtosis").drop_nulls().to_numpy() - [0, 3])
    for name in names:
        row = run.feature(name)
        further = tails > [abs(row["skewness"]), abs(row["kurtosis"] - 3)]
        assert further.all(1).sum() < 15
    assert not reading.named(shape(run, labels=0), "label")


@pytest.mark.parametrize("color", ["std", "class"])
def test_a_million_features_are_few_dots_and_all_counted(million: Run, color: str) -> None:
    figure = shape(million, color=color)  # type: ignore[arg-type]
    drawn = len(reading.dots(figure))
    assert 100 < drawn <= 2_030
    assert reading.cells(figure) + drawn == 1_000_000
    assert len(figure.to_json()) < 2_000_000
    assert f"{drawn:,} features that stand alone" in reading.caption(figure)
    assert f"{1_000_000 - drawn:,} are counted in cells" in reading.caption(figure)


def test_cells_lie_where_their_features_do(million: Run) -> None:
    """Every feature is counted in the cell around it: counted anew by NumPy."""
    figure = shape(million)
    (heat,) = reading.traces(figure, "heatmap")
    x, y = reading.array(heat["x"]), reading.array(heat["y"])
    counts = np.nan_to_num(10 ** reading.array(heat["z"]), nan=0)
    across = np.arcsinh(million.features["skewness"].to_numpy() / 0.3)
    up = np.arcsinh((million.features["kurtosis"].to_numpy() - 3) / 0.3)
    edges = [np.append(m - (m[1] - m[0]) / 2, m[-1] + (m[1] - m[0]) / 2) for m in (x, y)]
    every = np.histogram2d(up, across, [edges[1], edges[0]])[0]
    heavy = counts > 0
    named = 24
    assert np.abs(counts - every)[heavy].max() <= named + 3  # an edge's own rounding


def test_runs_without_sets(without_sets: Run) -> None:
    figure = shape(without_sets)
    assert not reading.named(figure, "envelope")
    assert "Dashed" not in reading.caption(figure)
    with pytest.raises(QueryError, match=r"have no classes.*without token sets.*--sets"):
        shape(without_sets, color="class")


def test_mistakes(run: Run) -> None:
    with pytest.raises(QueryError, match=r"no bank 'mlp\.8'.*Did you mean 'mlp\.[27]'"):
        shape(run, bank="mlp.8")
    with pytest.raises(QueryError, match="'std' or 'class', not 'colour'"):
        shape(run, color="colour")  # type: ignore[arg-type]
