"""Figures that read a feature's weights again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.plots import reading, runs
from unembed import Features, Run, analyze, prepare_unembedding, weights_of
from unembed.errors import QueryError
from unembed.plots import histogram, running_sum


def weights(feature: int) -> np.ndarray:
    """All logit weights of a feature of the first bank, by the product alone."""
    made = runs.planting()
    unembedding, W_dec = made.unembedding, runs.banks(made)[0].W_dec
    return (unembedding.W_U.double() @ W_dec[feature].double()).numpy()


def test_logit_weights_are_the_product(run: Run) -> None:
    ids, found = run.logit_weights("mlp.7/8")
    np.testing.assert_array_equal(ids, np.arange(1, runs.N))
    np.testing.assert_allclose(found, weights(8), rtol=1e-4, atol=1e-4)


def test_logit_weights_of_indices_that_are_no_places(run: Run) -> None:
    _, found = run.logit_weights("mlp.2/350")
    row = run.feature("mlp.2/350")
    assert (found.max(), found.std()) == pytest.approx((row["max"], row["std"]), rel=1e-5)


def test_bars_count_all_tokens_and_those_of_the_sets(run: Run) -> None:
    figure = histogram(run, "mlp.7/3", "low", "some", {"mine": [40, 41]})
    bars = {trace["name"]: trace for trace in reading.traces(figure, "bar")}
    assert {name: reading.array(bar["y"]).sum() for name, bar in bars.items()} == {
        "all 1,499 tokens": 1499, "low (29)": 29, "few (3)": 3, "mine (2)": 2,
    }  # fmt: skip
    every = bars["all 1,499 tokens"]
    middles, width = reading.array(every["x"]), every["width"]
    for middle, count in zip(middles, reading.array(every["y"]), strict=True):
        near = np.abs(weights(3) - middle) < width / 2
        assert abs(near.sum() - count) <= 1


def test_strokes_are_the_members(run: Run) -> None:
    figure = histogram(run, "mlp.7/3", "low", "<odd>")
    low, odd = reading.traces(figure, "scatter")
    np.testing.assert_allclose(reading.array(low["x"]), np.sort(weights(3)[:29]), rtol=1e-4)
    assert "' &lt;b&gt;&#36;x&#36;'".replace("' ", "'") in odd["text"]
    assert "'&amp;amp;'" in odd["text"]


def test_the_caption_says_how_far_a_set_is_shifted(run: Run) -> None:
    said = reading.caption(histogram(run, "mlp.7/4", "low"))
    all_weights = weights(4)
    shift = all_weights[:29].mean() / all_weights.std()
    z = run.enrichment("mlp.7/4", token_set="low")["z"][0]
    assert f"{shift:+.2f} std".replace("-", "−") in said
    assert f"z {z:+.1f}".replace("-", "−") in said


def test_a_histogram_without_sets(without_sets: Run) -> None:
    figure = histogram(without_sets, "mlp.7/3")
    assert len(figure.data) == 1
    assert "stroke" not in reading.caption(figure)
    with pytest.raises(QueryError, match="without token sets"):
        histogram(without_sets, "mlp.7/3", "low")
    assert len(histogram(without_sets, "mlp.7/3", {"mine": [3]}).data) == 3


def test_the_curve_peaks_where_the_run_says(run: Run) -> None:
    for feature in ("mlp.7/3", "mlp.7/4"):
        figure = running_sum(run, feature, "low")
        curve, peak, *_ = reading.traces(figure, "scatter")
        row = run.enrichment(feature, token_set="low").row(0, named=True)
        assert row["es"] is not None
        assert (peak["x"], peak["y"]) == ([row["peak"]], pytest.approx([row["es"]], rel=1e-6))
        heights = reading.array(curve["y"])
        assert heights[np.abs(heights).argmax()] == pytest.approx(row["es"], rel=1e-6)
        assert reading.array(curve["x"])[np.abs(heights).argmax()] == row["peak"]


def test_the_curve_is_that_of_a_plain_loop(run: Run) -> None:
    figure = running_sum(run, "mlp.7/20", "low")
    curve = reading.traces(figure, "scatter")[0]
    places, heights = reading.array(curve["x"]), reading.array(curve["y"])
    order = np.argsort(-weights(20), kind="stable")
    height, walked = 0.0, [0.0]
    for token in order:
        height += 1 / 29 if token < 29 else -1 / (runs.N - 1 - 29)
        walked.append(height)
    np.testing.assert_allclose(heights, np.array(walked)[places.astype(int)], atol=1e-9)


def test_the_leading_edge_is_shaded_and_counted(run: Run) -> None:
    for feature in ("mlp.7/3", "mlp.7/4"):
        figure = running_sum(run, feature, "low")
        edge = run.leading_edge(feature, "low")
        (shade,) = reading.named(figure, "leading edge")
        ends = (0, edge.peak) if edge.es > 0 else (edge.peak, runs.N - 1)
        assert (shade["x0"], shade["x1"]) == ends
        strokes = {t["name"]: t for t in reading.traces(figure, "scatter") if t.get("text")}
        inside = strokes["leading edge"]
        np.testing.assert_array_equal(reading.array(inside["x"]), np.sort(edge.ranks))
        assert f"{len(edge.ids)} of 29 tokens" in reading.caption(figure)


def test_a_curve_of_very_many_members_keeps_its_peak(run: Run) -> None:
    from unembed.plots.running_sum import _thinned

    random = np.random.default_rng(0)
    places = np.sort(random.choice(50_000, 20_000, replace=False))
    heights = np.cumsum(random.standard_normal(20_000))
    kept = _thinned(places, heights, 50_000)
    assert len(kept) <= 2_000
    assert {0, 19_999, heights.argmax(), heights.argmin()} <= set(kept.tolist())


@pytest.mark.parametrize("draw", [histogram, running_sum])
def test_mistakes(run: Run, draw: object) -> None:
    with pytest.raises(QueryError, match="Did you mean 'low'"):
        draw(run, "mlp.7/3", "lov")  # type: ignore[operator]
    with pytest.raises(QueryError, match="no feature 999"):
        draw(run, "mlp.7/999", "low")  # type: ignore[operator]
    with pytest.raises(QueryError, match="writes nothing"):
        draw(run, "mlp.7/5", "low")  # type: ignore[operator]


def test_histograms_refuse_strange_ids_and_many_sets(run: Run) -> None:
    with pytest.raises(QueryError, match=r"'mine' holds 5000, which is no token id"):
        histogram(run, "mlp.7/3", {"mine": [3, 5000]})
    with pytest.raises(QueryError, match="up to six"):
        histogram(run, "mlp.7/3", {f"set {i}": [i] for i in range(7)})


@pytest.mark.slow
@pytest.mark.parametrize("weight", ["normal-scores", "magnitude"])
def test_curves_of_weighted_hits(tmp_path: Path, weight: str) -> None:
    weighted = runs.small(tmp_path / "run", weight=weight)
    figure = running_sum(weighted, "mlp.7/3", "low")
    row = weighted.enrichment("mlp.7/3", token_set="low").row(0, named=True)
    peak = reading.traces(figure, "scatter")[1]
    assert (peak["x"], peak["y"]) == ([row["peak"]], pytest.approx([row["es"]], rel=1e-6))


def test_logit_weights_by_the_cosine_lens_keep_their_mean(tmp_path: Path) -> None:
    plain = runs.model()
    W_U = plain.W_U
    vocabulary = plain.vocabulary
    rows = torch.cat([torch.zeros(1, runs.D), W_U])
    unembedding = prepare_unembedding(rows, vocabulary, name="cosine", lens="cosine")
    bank = Features.from_array(torch.ones(2, runs.D) + torch.eye(2, runs.D), name="bank")
    run = analyze(unembedding, bank, tmp_path / "run")
    weights_of(run, unembedding=unembedding, banks=[bank])
    _, found = run.logit_weights("bank/1")
    cosines = torch.nn.functional.cosine_similarity(W_U.double(), bank.W_dec[1].double()[None])
    np.testing.assert_allclose(found, cosines, atol=1e-6)
    assert abs(found.mean()) > 3e-4
