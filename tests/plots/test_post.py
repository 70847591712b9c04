"""The figures of the post's notebook: what they draw, told anew from the run or by a plain loop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
import torch

from tests.planted import bank_of, planted_run
from tests.plots import reading, runs
from tests.plots.test_shape import off_axis
from unembed import EnrichmentSettings, Run
from unembed.errors import QueryError
from unembed.plots import (
    best_features,
    enrichment_scores,
    moments,
    set_scatter,
    shape_by_layer,
)
from unembed.plots.animation import stills
from unembed.questions import es_of_sets

BANKS = ("mlp.2", "mlp.7")
SETS = {"low": range(1, 30), "<odd>": [5, 900, runs.N - 2, runs.N - 1], "few": [9, 99, 999]}


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    """All logit weights of each bank, by the product alone."""
    made = runs.planting()
    W_U = made.unembedding.W_U.double().numpy()
    return {bank.name: bank.W_dec.double().numpy() @ W_U.T for bank in runs.banks(made)}


def es_by_hand(weights: np.ndarray, ids: list[int]) -> float:
    """The running sum, a token at a time; ids are of tokens, of which the first is masked."""
    members, height, furthest = {each - 1 for each in ids}, 0.0, 0.0
    for token in np.argsort(-weights, kind="stable"):
        height += 1 / len(members) if token in members else -1 / (len(weights) - len(members))
        furthest = height if abs(height) > abs(furthest) else furthest
    return furthest


def test_scores_are_those_of_a_plain_loop(run: Run, weights: dict[str, np.ndarray]) -> None:
    found = es_of_sets(run, ["low", "some", "<odd>", "few"])
    assert found["token_set"].unique(maintain_order=True).to_list() == ["low", "few", "<odd>"]
    assert found.filter(token_set="low")["feature"].to_list() == run.features["feature"].to_list()
    for name, ids in SETS.items():
        for row in found.filter(token_set=name).iter_rows(named=True):
            place = row["index"] // (10 if row["bank"] == "mlp.2" else 1)
            if (row["bank"], place) == ("mlp.7", 5):
                assert row["es"] is None, "it writes nothing"
            else:
                expected = es_by_hand(weights[row["bank"]][place], list(ids))
                assert row["es"] == pytest.approx(expected, abs=1e-6), row


def test_scores_that_a_run_has_of_all_pairs_need_no_weights(tmp_path: Path, run: Run) -> None:
    made = runs.planting()
    settings = EnrichmentSettings(directions=200, tsea="all")
    planted_run(tmp_path / "run", made.unembedding, runs.banks(made), made.sets,
                enrichment=settings)  # fmt: skip
    kept = es_of_sets(Run.open(tmp_path / "run"), ["low", "few"], bank="mlp.2")
    read = es_of_sets(run, ["low", "few"], bank="mlp.2")
    assert kept.drop("es").equals(read.drop("es"))
    np.testing.assert_allclose(kept["es"], read["es"], atol=5e-4)  # float16


def dots_of(figure: Any, axis: str) -> dict[str, tuple[float, str]]:
    """The height and the trace of each feature in a panel."""
    found = {}
    for trace in reading.traces(figure, "scattergl"):
        if trace.get("xaxis", "x") == axis:
            heights = reading.array(trace["y"])
            for said, height in zip(trace["text"], heights, strict=True):
                found[said.split("<b>")[1].split("</b>")[0]] = float(height), trace["name"]
    return found


def test_each_panel_has_every_feature(run: Run) -> None:
    figure = enrichment_scores(run, "low", "<odd>", "thirds")
    for axis, name in (("x", "low"), ("x2", "<odd>"), ("x3", "thirds")):
        pairs = es_of_sets(run, [name]).drop_nulls("es")
        drawn = dots_of(figure, axis)
        assert drawn.keys() == set(pairs["feature"])
        assert len(drawn) == 339
        panel = [t for t in reading.traces(figure, "scattergl") if t.get("xaxis", "x") == axis]
        assert sum(len(trace["text"]) for trace in panel) == 339, "each is drawn once"
        for row in pairs.iter_rows(named=True):
            height, group = drawn[row["feature"]]
            assert height == pytest.approx(row["es"], rel=1e-6)
            passes = row["log10_q"] <= np.log10(0.05)
            side = "promoted" if row["es"] >= 0 else "suppressed"
            assert group == (side if passes else "not significant")
    assert reading.titles(figure)[:2] == ["low (29 tokens)", "&lt;odd&gt; (4 tokens)"]
    assert {group for _, group in dots_of(figure, "x").values()} == {
        "promoted", "suppressed", "not significant"
    }  # fmt: skip


def test_features_of_a_panel_stand_by_layer_and_index(run: Run) -> None:
    figure = enrichment_scores(run, "few", labels=0)
    places = {}
    for trace in reading.traces(figure, "scattergl"):
        for said, x in zip(trace["text"], reading.array(trace["x"]), strict=True):
            places[said.split("<b>")[1].split("</b>")[0]] = x
    writing = run.features.filter(pl.col("skewness").is_not_null())
    expected = [
        name for bank in BANKS for name in writing.filter(bank=bank).sort("index")["feature"]
    ]
    assert sorted(places, key=places.__getitem__) == expected
    assert list(figure.layout.xaxis.ticktext) == list(BANKS)
    for bank, tick in zip(BANKS, figure.layout.xaxis.tickvals, strict=True):
        own = [places[name] for name in expected if name.startswith(bank)]
        assert tick == pytest.approx(np.mean(own))


def test_the_largest_scores_are_named_in_each_panel(run: Run) -> None:
    figure = enrichment_scores(run, "few", "<odd>", labels=1)
    for axis, name in (("x", "few"), ("x2", "<odd>")):
        (said,) = (each["text"] for each in reading.named(figure, "label") if each["xref"] == axis)
        pairs = es_of_sets(run, [name]).drop_nulls("es").sort(pl.col("es").abs())
        assert said == pairs["feature"][-1]
        assert said != pairs.sort("log10_p")["feature"][0], "or this would tell nothing"


def test_set_scatter_of_scores(run: Run) -> None:
    figure = set_scatter(run, "low", "some", score="es")
    one, other = (
        dict(es_of_sets(run, [name]).select("feature", "es").iter_rows()) for name in ("low", "few")
    )
    seen = 0
    for trace in reading.traces(figure, "scattergl"):
        rows = zip(trace["text"], reading.array(trace["x"]), reading.array(trace["y"]), strict=True)
        for text, x, y in rows:
            address = text.split("<b>")[1].split("</b>")[0]
            assert (x, y) == pytest.approx((one[address], other[address]), rel=1e-6)
            assert f"low: ES {x:+.3f}" in text
            seen += 1
    assert seen == 339
    across, up = reading.traces(figure, "bar")
    assert reading.array(across["y"]).sum() == reading.array(up["x"]).sum() == 339
    assert reading.titles(figure)[0] == "ES of low, 29 tokens (no unit)"
    with pytest.raises(QueryError, match="by 'z' or 'es', not by 'nes'"):
        set_scatter(run, "low", "few", score="nes")  # type: ignore[arg-type]


def test_the_best_features_of_a_set(run: Run, weights: dict[str, np.ndarray]) -> None:
    figure = best_features(run, "low", limit=3)
    best = run.enrichment(token_set="low").head(3)
    lines = [each["text"] for each in reading.named(figure, "feature")]
    bars, boxes = reading.traces(figure, "bar"), reading.traces(figure, "box")
    assert len(lines) == 3
    assert len(bars) == len(boxes) == 6
    for at, row in enumerate(best.iter_rows(named=True)):
        assert f"<b>{row['feature']}</b>" in lines[at]
        assert f"z {row['z']:+.1f}".replace("-", "−") in lines[at]
        own = weights[row["bank"]][row["index"] // (10 if row["bank"] == "mlp.2" else 1)]
        z = (own - own.mean()) / own.std()
        for part, values in enumerate((np.delete(z, range(29)), z[:29])):
            drawn = bars[2 * at + part]
            assert reading.array(drawn["y"]).sum() == len(values)
            middle = np.average(reading.array(drawn["x"]), weights=reading.array(drawn["y"]))
            assert middle == pytest.approx(values.mean(), abs=drawn["width"] / 2)
            box = boxes[2 * at + part]
            found = [box[end] for end in ("lowerfence", "q1", "median", "q3", "upperfence")]
            expected = np.percentile(values, (1, 25, 50, 75, 99))
            np.testing.assert_allclose(np.ravel([reading.array(e) for e in found]), expected,
                                       rtol=1e-3, atol=1e-4)  # fmt: skip


def test_the_best_features_by_sign(run: Run) -> None:
    for sign, does in (("+", "#0072b2"), ("-", "#d55e00")):
        figure = best_features(run, "low", sign=sign, limit=2)  # type: ignore[arg-type]
        found = run.enrichment(token_set="low", sign=sign).head(2)["feature"]  # type: ignore[arg-type]
        lines = [each["text"] for each in reading.named(figure, "feature")]
        assert all(name in line for name, line in zip(found, lines, strict=True))
        assert reading.traces(figure, "bar")[1]["marker"]["color"] == does


def test_histograms_of_moments_count_each_banks_features(run: Run) -> None:
    lines = reading.traces(moments(run), "scatter")
    assert [line["name"] for line in lines] == [*BANKS, *BANKS]
    whole = run.features.filter(pl.col("skewness").is_not_null())
    for line, column in zip(lines, ["skewness"] * 2 + ["kurtosis"] * 2, strict=True):
        values = whole.filter(bank=line["name"])[column].to_numpy()
        values = np.log10(values) if column == "kurtosis" else values
        middles, counts = reading.array(line["x"]), reading.array(line["customdata"]).astype(int)
        half = (middles[1] - middles[0]) / 2
        assert counts.sum() == len(values)
        for middle, count in zip(middles, counts, strict=True):
            near = np.abs(values - middle)
            assert (near < half - 1e-6).sum() <= count <= (near < half + 1e-6).sum()
        shares = reading.array(line["y"])
        np.testing.assert_allclose(shares[counts > 0], 100 * counts[counts > 0] / len(values))
        assert np.isnan(shares[counts == 0]).all()


def frames_of(figure: Any) -> list[dict[str, Any]]:
    return list(json.loads(figure.to_json())["frames"])


@pytest.mark.parametrize("color", ["std", "class"])
def test_a_frame_has_its_banks_features(run: Run, color: Any) -> None:
    figure = shape_by_layer(run, color=color)
    frames = frames_of(figure)
    assert [frame["name"] for frame in frames] == list(BANKS)
    assert len({len(frame["data"]) for frame in frames}) == 1, "what a frame lacks would stay"
    for frame in frames:
        dots = [trace for trace in frame["data"] if trace["type"] == "scattergl"]
        y = np.concatenate([reading.array(trace["y"]) for trace in dots])
        own = run.features.filter(bank=frame["name"])["kurtosis"].drop_nulls().to_numpy()
        np.testing.assert_allclose(np.sort(off_axis(y[~np.isnan(y)]) + 3), np.sort(own), rtol=1e-5)
        for trace in dots if color == "class" else ():
            drawn = (~np.isnan(reading.array(trace["y"]))).sum()
            classes = run.features.filter(bank=frame["name"])["class"].to_list()
            assert drawn == classes.count(trace["name"])
    assert figure.layout.sliders[0].steps[1].args[0] == ("mlp.7",)


def test_a_frame_has_its_banks_envelope(run: Run) -> None:
    for frame in frames_of(shape_by_layer(run)):
        (line,) = (trace for trace in frame["data"] if trace["name"] == "envelope")
        row = run.features.filter(bank=frame["name"]).row(0, named=True)
        x, y = (np.array(line[axis], float) for axis in "xy")
        assert off_axis(y[0]) + 3 == pytest.approx(row["kurtosis_above"])
        assert off_axis(x[[3, 6]]) == pytest.approx([row["skewness_below"], row["skewness_above"]])


def test_stills_are_the_frames(run: Run) -> None:
    figure = shape_by_layer(run)
    kept = stills(figure)
    assert len(kept) == 2
    for at, (still, frame) in enumerate(zip(kept, figure.frames, strict=True)):
        assert reading.plain(still)["data"] == reading.plain(go.Figure(frame.data))["data"]
        assert still.layout.sliders[0].active == at
        assert still.layout.yaxis.range == figure.layout.yaxis.range
    assert figure.layout.sliders[0].active is None, "the figure itself stays as it was"


def test_a_million_features_are_cells_in_every_frame(million: Run) -> None:
    (frame,) = frames_of(shape_by_layer(million))
    (heat,) = (trace for trace in frame["data"] if trace["type"] == "heatmap")
    counted = round(float(np.nansum(10 ** reading.array(heat["z"]))))
    drawn = sum(len(t["text"]) for t in frame["data"] if t["type"] == "scattergl")
    assert counted + drawn == 1_000_000
    assert len(moments(million).to_json()) < 100_000


def test_runs_without_sets(without_sets: Run) -> None:
    assert reading.traces(moments(without_sets), "scatter")
    (line,) = (t for t in frames_of(shape_by_layer(without_sets))[0]["data"]
               if t["name"] == "envelope")  # fmt: skip
    assert line["x"] == [None]
    assert "Dashed" not in reading.caption(shape_by_layer(without_sets))
    for draw in (lambda: enrichment_scores(without_sets, "low"),
                 lambda: best_features(without_sets, "low")):  # fmt: skip
        with pytest.raises(QueryError, match="without token sets"):
            draw()
    with pytest.raises(QueryError, match="have no classes"):
        shape_by_layer(without_sets, color="class")


def test_a_bank_of_zeros(tmp_path: Path) -> None:
    made = runs.planting()
    zeros = bank_of("mlp.9", torch.zeros(4, runs.D), layer=9)
    settings = EnrichmentSettings(directions=200)
    run = planted_run(tmp_path / "run", made.unembedding, [*runs.banks(made), zeros], made.sets,
                      null="identity", enrichment=settings).run  # fmt: skip
    for draw in (
        lambda: enrichment_scores(run, "low", bank="mlp.9"),
        lambda: set_scatter(run, "low", "few", score="es", bank="mlp.9"),
        lambda: moments(run, bank="mlp.9"), lambda: shape_by_layer(run, bank="mlp.9"),
    ):  # fmt: skip
        with pytest.raises(QueryError, match=r"All features of mlp\.9 are zero"):
            draw()
    with pytest.raises(QueryError, match="No feature writes 'low'"):
        best_features(run, "low", bank="mlp.9")
    assert [frame["name"] for frame in frames_of(shape_by_layer(run))] == [*BANKS]
    assert len(dots_of(enrichment_scores(run, "low"), "x")) == 339


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda run: enrichment_scores(run), "one to 6 token sets: these are 0"),
        (lambda run: enrichment_scores(run, *"abcdefg"), "one to 6 token sets: these are 7"),
        (lambda run: enrichment_scores(run, "lov"), "Did you mean 'low'"),
        (lambda run: enrichment_scores(run, "low", bank="mlp.8"), r"no bank 'mlp\.8'"),
        (lambda run: best_features(run, "lov"), "Did you mean 'low'"),
        (lambda run: best_features(run, "low", limit=7), "One to 6 features .* not 7"),
        (lambda run: best_features(run, "low", sign="*"), "not '\\*'"),
        (lambda run: moments(run, bank="mlp.8"), r"no bank 'mlp\.8'"),
        (lambda run: shape_by_layer(run, color="colour"), "'std' or 'class', not 'colour'"),
        (lambda run: shape_by_layer(run, bank="mlp.8"), r"no bank 'mlp\.8'"),
    ],
)
def test_mistakes(run: Run, draw: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        draw(run)
