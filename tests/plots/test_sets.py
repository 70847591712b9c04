"""Figures of token sets: every point is a pair of the run."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from tests.plots import reading
from unembed import Run
from unembed.errors import QueryError
from unembed.plots import depth, manhattan, set_scatter


def test_manhattan_of_a_feature_has_every_set(run: Run) -> None:
    figure = manhattan(run, "mlp.7/3")
    pairs = run.enrichment("mlp.7/3")
    heights = np.sort(reading.dots(figure)[:, 1])
    np.testing.assert_allclose(heights, np.sort(-pairs["log10_p"].to_numpy()), rtol=1e-5)
    shown = {(t["name"], text.split("<b>")[1].split("</b>")[0])
             for t in reading.traces(figure, "scattergl") for text in t["text"]}  # fmt: skip
    expected = {
        ("promoted" if z >= 0 else "suppressed", name.replace("<", "&lt;").replace(">", "&gt;"))
        for name, z in pairs.select("token_set", "z").iter_rows()
    }
    assert shown == expected


def test_manhattan_groups_sets_by_family(run: Run) -> None:
    axis = manhattan(run, "mlp.7/3").layout.xaxis
    assert list(axis.ticktext) == ["broad", "plain"]
    assert axis.range[0] < axis.tickvals[0] < axis.tickvals[1] < axis.range[1]


def test_the_line_parts_what_is_significant(run: Run) -> None:
    """By the q-values of the pairs, which the line does not look at."""
    (line,) = reading.named(manhattan(run, "mlp.7/3"), "threshold")
    pairs = pl.concat(run.enrichment(token_set=name, bank="mlp.7") for name in ("low", "thirds"))
    passes = pairs["log10_q"] <= np.log10(0.05)
    heights = -pairs["log10_p"]
    assert heights.filter(~passes).max() < line["y0"] <= heights.filter(passes).min()


def test_tops_are_named_once_a_family(run: Run) -> None:
    texts = [each["text"] for each in reading.named(manhattan(run, "mlp.7/3"), "label")]
    assert texts[0] == "low"
    significant = run.enrichment("mlp.7/3", max_q=0.05)["token_set"].to_list()
    assert set(texts) <= set(significant)


def test_manhattan_of_a_set_has_every_feature_by_layer(run: Run) -> None:
    figure = manhattan(run, token_set="low")
    pairs = run.enrichment(token_set="low")
    heights = np.sort(reading.dots(figure)[:, 1])
    np.testing.assert_allclose(heights, np.sort(-pairs["log10_p"].to_numpy()), rtol=1e-5)
    assert list(figure.layout.xaxis.ticktext) == ["mlp.2", "mlp.7"]
    assert figure.layout.title.text is None
    assert "mlp.7/3" in {each["text"] for each in reading.named(figure, "label")}
    lines = reading.named(figure, "threshold")
    assert len({line["y0"] for line in lines}) == len(lines)


def test_a_million_features_of_a_set(million: Run) -> None:
    for figure in (manhattan(million, token_set="one"), set_scatter(million, "one", "other")):
        drawn = len(reading.dots(figure))
        assert drawn <= 4_100
        assert reading.cells(figure) + drawn == 1_000_000
        assert len(figure.to_json()) < 2_000_000
        significant = million.enrichment(token_set="one").filter(pl.col("log10_q") < np.log10(0.05))
        texts = [t for trace in reading.traces(figure, "scattergl") for t in trace["text"]]
        said = {re.search(r"large/\d+", text)[0] for text in texts}  # type: ignore[index]
        assert set(significant["feature"]) <= said


def test_set_scatter_pairs_up_the_sets(run: Run) -> None:
    figure = set_scatter(run, "low", "some")
    low, few = (
        dict(run.enrichment(token_set=name).select("feature", "z").iter_rows())
        for name in ("low", "few")
    )
    seen = 0
    for trace in reading.traces(figure, "scattergl"):
        rows = zip(trace["text"], reading.array(trace["x"]), reading.array(trace["y"]), strict=True)
        for text, x, y in rows:
            address = text.split("<b>")[1].split("</b>")[0]
            assert (x, y) == pytest.approx((low[address], few[address]), rel=1e-5)
            seen += 1
    assert seen == 340
    assert reading.titles(figure)[:2] == [
        "z of low, 29 tokens (null standard deviations)",
        "z of few, 3 tokens (null standard deviations)",
    ]


def test_marginals_count_every_feature(run: Run) -> None:
    across, up = reading.traces(set_scatter(run, "low", "few"), "bar")
    assert reading.array(across["y"]).sum() == reading.array(up["x"]).sum() == 340
    z = run.enrichment(token_set="low")["z"].to_numpy()
    middles, counts = reading.array(across["x"]), reading.array(across["y"])
    assert np.average(middles, weights=counts) == pytest.approx(z.mean(), abs=0.1)


def test_colours_of_set_scatter_are_significance(run: Run) -> None:
    names = {t["name"]: t for t in reading.traces(set_scatter(run, "low", "thirds"), "scattergl")}
    passing = run.enrichment(token_set="low", max_q=0.05).height
    counted = sum(int(name.split("(")[1].rstrip(")")) for name in names if "low only" in name
                  or "both" in name)  # fmt: skip
    assert counted == passing > 5


def test_depth_is_the_share_of_features(run: Run) -> None:
    figure = depth(run, ["low", "thirds", "some"])
    (heat,) = reading.traces(figure, "heatmap")
    table = reading.array(heat["z"])
    assert heat["x"] == [0, 1]
    names = list(figure.layout.yaxis.ticktext)
    assert sorted(names) == ["few", "low", "thirds"]
    for row, name in enumerate(names):
        for column, (bank, size) in enumerate((("mlp.2", 40), ("mlp.7", 300))):
            z_q = run.enrichment(token_set=name, bank=bank)["log10_q"]
            expected = 100 * sum(q <= np.log10(0.05) for q in z_q) / size
            assert table[row, column] == pytest.approx(expected)
    assert (table.max(0) > 2).all()


def test_depth_chooses_sets_and_signs(run: Run) -> None:
    promoted = depth(run, sign="+", limit=1)
    assert list(promoted.layout.yaxis.ticktext) == ["low"]
    (heat,) = reading.traces(promoted, "heatmap")
    expected = run.enrichment(token_set="low", sign="+", max_q=0.05, bank="mlp.7").height / 3
    assert reading.array(heat["z"])[0, 1] == pytest.approx(expected)
    with pytest.raises(QueryError, match="nothing to draw"):
        depth(run, bank="mlp.2", family="plain/second")


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda run: manhattan(run), "one of the two"),
        (lambda run: manhattan(run, "mlp.7/3", token_set="low"), "one of the two"),
        (lambda run: manhattan(run, "mlp.7/900"), "no feature 900"),
        (lambda run: manhattan(run, token_set="lov"), "Did you mean 'low'"),
        (lambda run: set_scatter(run, "low", "fwe"), "Did you mean 'few'"),
        (lambda run: set_scatter(run, "few", "some"), "same token set"),
        (lambda run: depth(run, ["lov"]), "Did you mean 'low'"),
        (lambda run: depth(run, family="plane"), "Did you mean 'plain"),
    ],
)
def test_mistakes(run: Run, draw: object, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        draw(run)  # type: ignore[operator]


def test_runs_without_sets(without_sets: Run) -> None:
    for draw in (lambda: manhattan(without_sets, "mlp.7/3"), lambda: depth(without_sets),
                 lambda: set_scatter(without_sets, "low", "few")):  # fmt: skip
        with pytest.raises(QueryError, match="without token sets"):
            draw()
