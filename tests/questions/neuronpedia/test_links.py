"""Neuronpedia: links that lead where they should, and features in its field names."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import polars as pl
import pytest

from tests.planted import planted
from unembed import Features, Run, Unembedding, analyze, weights_of
from unembed.errors import QueryError
from unembed.questions import feature_facts
from unembed.questions.neuronpedia import (
    embedded,
    exported,
    page,
    quick_list,
    source_of,
    sources_of,
)

SOURCE = "gpt2-small/8-res-jb"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Bank a has an id of Neuronpedia, b has none; a/5 writes nothing."""
    unembedding, banks, _ = planted()
    return analyze(unembedding, banks, tmp_path_factory.mktemp("neuronpedia") / "run")


def test_pages() -> None:
    link = "https://www.neuronpedia.org/gpt2-small/8-res-jb/4467"
    assert page(SOURCE, 4467) == link
    assert embedded(SOURCE, 4467) == f"{link}?embed=true"
    query = parse_qs(urlsplit(embedded(SOURCE, 4467, without=["plots", "test"])).query)
    assert query == {"embed": ["true"], "embedplots": ["false"], "embedtest": ["false"]}
    with pytest.raises(QueryError, match="Did you mean 'plots'"):
        embedded(SOURCE, 4467, without=["plot"])


def test_a_quick_list_holds_its_features() -> None:
    link = quick_list('names & "more" +1', [(SOURCE, 1), ("gemma-2-2b/20-res", 30)])
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc) == ("https", "www.neuronpedia.org")
    assert parts.path == "/quick-list/"
    query = parse_qs(parts.query, strict_parsing=True)
    assert query["name"] == ['names & "more" +1']
    assert json.loads(query["features"][0]) == [
        {"modelId": "gpt2-small", "layer": "8-res-jb", "index": "1"},
        {"modelId": "gemma-2-2b", "layer": "20-res", "index": "30"},
    ]
    assert not {" ", '"', "{", "+"} & {*link}


@pytest.mark.parametrize("count", [0, 101])
def test_a_quick_list_has_a_length(count: int) -> None:
    assert quick_list("full", [(SOURCE, 1)] * 100)
    with pytest.raises(QueryError, match=f"1 to 100 of them, not {count}"):
        quick_list("x", [(SOURCE, 1)] * count)


def test_ids_of_a_run(run: Run) -> None:
    assert sources_of(run) == {"a": "tiny/3-a"}
    assert sources_of(run, ["b=x/y", "a=z/3"]) == {"a": "z/3", "b": "x/y"}
    assert source_of("a", sources_of(run)) == "tiny/3-a"
    with pytest.raises(QueryError, match=r"neuronpedia_id.*--neuronpedia b=gpt2-small"):
        source_of("b", sources_of(run))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("x/y", "Which bank is 'x/y'.*Write BANK=x/y"),
        ("c=x/y", "no bank 'c'"),
        ("b=xy", "no id of Neuronpedia"),
        ("b=x/y/4", "no id of Neuronpedia"),
        ("b=https://www.neuronpedia.org/x/y", "no id of Neuronpedia"),
    ],
)
def test_ids_that_cannot_be(run: Run, given: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        sources_of(run, [given])


def test_one_bank_needs_no_name(tmp_path: Path, unembedding: Unembedding, bank: Features) -> None:
    run = analyze(unembedding, bank, tmp_path / "run")
    assert sources_of(run) == {}
    assert sources_of(run, [SOURCE]) == {"bank": SOURCE}


def test_show_links_to_the_same_page(run: Run) -> None:
    assert feature_facts(run, "a/7")["neuronpedia"] == page("tiny/3-a", 7)
    assert feature_facts(run, "b/10")["neuronpedia"] is None


def test_exported_features(run: Run) -> None:
    unembedding, banks, _ = planted()
    weights_of(run, unembedding=unembedding, banks=banks)
    rows = run.features.filter(bank="a")
    features = exported(run, rows, sources_of(run), tokens=4)
    assert len(features) == 300
    logits = (banks[0].W_dec.double() @ unembedding.W_U.double().T).numpy()
    texts = np.array(unembedding.vocabulary.texts)[unembedding.token_ids]
    for index in (0, 2, 77):
        feature, weights = features[index], logits[index]
        assert feature["modelId"] == "tiny"
        assert feature["layer"] == "3-a"
        assert feature["index"] == str(index)
        order = np.argsort(-weights)
        assert feature["pos_str"] == texts[order[:4]].tolist()
        assert feature["neg_str"] == texts[order[::-1][:4]].tolist()
        np.testing.assert_allclose(feature["pos_values"], weights[order[:4]], rtol=1e-4)
        np.testing.assert_allclose(feature["neg_values"], weights[order[::-1][:4]], rtol=1e-4)
        heights = np.array(feature["logits_hist_data_bar_heights"])
        values = np.array(feature["logits_hist_data_bar_values"])
        assert heights.sum() == len(weights)
        assert heights[0] > 0 < heights[-1]
        width = weights.std() / 10
        np.testing.assert_allclose(np.diff(values), width, rtol=1e-3)
        near = np.abs(weights[:, None] - values).argmin(1)
        assert np.abs(np.bincount(near, minlength=len(heights)) - heights).sum() <= 8
    assert features[5]["pos_str"] == features[5]["logits_hist_data_bar_heights"] == []
    assert "frac_nonzero" not in features[0]
    assert features[0]["explanations"] == []
    json.dumps(features, allow_nan=False)


def test_bars_beyond_the_runs_bins_end_where_the_weights_do(
    tmp_path: Path, unembedding: Unembedding
) -> None:
    run = analyze(unembedding, Features.from_array(np.eye(1, 16), name="x"), tmp_path / "run")
    histogram = np.zeros(202, int)
    histogram[[0, 101, 201]] = [1, 197, 1]
    row = run.features.with_columns(
        histogram=[histogram.tolist()], mean=1.0, std=2.0, min=-31.0, max=25.0
    )  # fmt: skip
    (feature,) = exported(run, row, {"x": SOURCE})
    values = feature["logits_hist_data_bar_values"]
    assert len(values) == 202
    assert values[0] == pytest.approx((-31 + 1 - 20) / 2)
    assert values[-1] == pytest.approx((25 + 1 + 20) / 2)
    assert values[101] == pytest.approx(1 + 2 * 0.05)


def test_labels_and_densities_are_exported(tmp_path: Path, unembedding: Unembedding) -> None:
    bank = Features.from_array(np.eye(2, 16), name="x", log10_density=[-np.inf, -2])
    run = analyze(unembedding, bank, tmp_path / "run")
    rows = run.features.with_columns(label=pl.lit("promotes months (z +9.0)"))
    first, second = exported(run, rows, {"x": SOURCE})
    assert (first["frac_nonzero"], second["frac_nonzero"]) == (0, pytest.approx(0.01))
    (explanation,) = first["explanations"]
    assert explanation["description"] == "promotes months (z +9.0)"
    assert explanation["modelId"] == "gpt2-small"
    assert explanation["layer"] == "8-res-jb"
    assert explanation["index"] == "0"
