"""Criteria and filters together: who is found, in which order, with what beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.planted import Planted, planted
from unembed import Run, analyze, find
from unembed.errors import QueryError, SourceError
from unembed.questions.features import COLUMNS


def test_every_score_is_a_column(tiny: Planted) -> None:
    found = find(
        tiny.run, token_set="both", contrast=("names:female", "names:male"), token=" Paris",
        like="a/20", tokens=3, limit=4,
    )  # fmt: skip
    scores = [
        "set_z", "set_log10_p", "set_log10_q", "contrast_z", "contrast_log10_p",
        "contrast_log10_q", "token_z", "token_weight", "token_rank", "cosine",
    ]  # fmt: skip
    assert found.columns == [*COLUMNS[:7], *scores, *COLUMNS[7:]]
    assert found.height == 4
    row = found.row(0, named=True)
    feature = tiny.run.feature(row["feature"])
    assert row["top_tokens"] == feature["top_tokens"][:3]
    assert row["bottom_tokens"] == feature["bottom_tokens"][:3]
    assert (row["class"], row["label"]) == (feature["class"], feature["label"])
    assert row["kurtosis"] == feature["kurtosis"]
    for name in scores:
        if name != "token_rank":
            alone = {
                "set": {"token_set": "both"},
                "contrast": {"contrast": ("names:female", "names:male")},
                "token": {"token": " Paris"}, "cosine": {"like": "a/20"},
            }[name.split("_")[0]]  # fmt: skip
            other = find(tiny.run, **alone, limit=None).filter(feature=row["feature"])  # type: ignore[arg-type]
            assert other[name][0] == row[name]


def test_the_first_criterion_ranks_unless_another_is_named(tiny: Planted) -> None:
    both = {"token": " Paris", "like": "a/20", "limit": None}
    found = find(tiny.run, **both)  # type: ignore[arg-type]
    assert found["token_z"].is_sorted(descending=True)
    found = find(tiny.run, **both, sort="like")  # type: ignore[arg-type]
    assert found["cosine"].is_sorted(descending=True)
    found = find(tiny.run, **both, sort="like", sign="-")  # type: ignore[arg-type]
    assert found["cosine"].is_sorted()
    assert (found["cosine"] < 0).all()
    assert (found["token_z"] < 0).all()


def test_filters_leave_scores_as_they_are(tiny: Planted) -> None:
    whole = find(tiny.run, token_set="names:female", token=" Paris", limit=None)
    found = find(
        tiny.run, token_set="names:female", token=" Paris", layer=[3, 9], bank=["b", "a"],
        where="kurtosis > 2.9 and class <> 'dead'", sign="+", min_z=0.3, max_q=0.95, limit=None,
    )  # fmt: skip
    expected = whole.filter(
        pl.col("kurtosis") > 2.9, pl.col("set_z") >= 0.3, pl.col("token_z") >= 0.3,
        pl.col("set_log10_q") <= np.log10(0.95),
    )  # fmt: skip
    assert 0 < expected.height < whole.height
    assert found.drop("token_rank").equals(expected.drop("token_rank"))
    assert find(tiny.run, token_set="names:female", max_q=0).is_empty()


def test_a_smallest_z_is_without_a_sign(tiny: Planted) -> None:
    found = find(tiny.run, token_set="names:female", min_z=2, limit=None)
    whole = find(tiny.run, token_set="names:female", limit=None)
    assert found.equals(whole.filter(pl.col("set_z").abs() >= 2))
    assert {*(found["set_z"] > 0)} == {True, False}


def test_nothing_found_has_every_column(tiny: Planted) -> None:
    found = find(tiny.run, token=" Paris", where="kurtosis > 1000000000")
    assert found.columns == find(tiny.run, token=" Paris").columns
    assert found.schema == find(tiny.run, token=" Paris").schema
    assert found.is_empty()


def test_banks_and_layers(tiny: Planted) -> None:
    for wanted in ({"layer": 9}, {"bank": "b"}, {"layer": [9], "bank": ["a", "b"]}):
        found = find(tiny.run, **wanted, limit=None)  # type: ignore[arg-type]
        assert {*found["feature"]} == {f"b/{10 * i}" for i in range(60)}
        assert {*found["layer"]} == {9}
        assert {*found["neuronpedia"]} == {None}
        assert found["kurtosis"].is_sorted(descending=True)
    page = find(tiny.run, bank="a", limit=1)
    index = page["feature"][0].removeprefix("a/")
    assert page["neuronpedia"][0] == f"https://www.neuronpedia.org/tiny/3-a/{index}"


def test_classes(tiny: Planted) -> None:
    flat = find(tiny.run, feature_class="flat")
    assert flat["feature"].to_list() == ["a/5"]
    assert flat["top_tokens"].to_list() == [None]
    kinds = tiny.run.features.group_by("class").len()
    for kind, count in kinds.iter_rows():
        assert find(tiny.run, feature_class=kind, limit=None).height == count
    some = find(tiny.run, feature_class=["flat", "diffuse"], token=" Paris", limit=None)
    assert some.height == kinds.filter(pl.col("class") == "diffuse")["len"][0]


def test_without_a_limit_ranks_of_tokens_stop_somewhere(
    tiny: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unembed.questions.search.criteria.RANKED", 7)
    found = find(tiny.run, token=" Paris", limit=None)
    assert found["token_rank"].null_count() == found.height - 7
    assert found["token_rank"][:7].null_count() == 0


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "Say what to look for"),
        ({"sign": "+"}, "Say what to look for"),
        ({"layer": 3, "sign": "+"}, "A sign needs"),
        ({"layer": 3, "min_z": 1}, "A smallest z needs"),
        ({"like": "a/1", "min_z": 1}, "A smallest z needs"),
        ({"token": " Paris", "max_q": 0.1}, "A largest q needs"),
        ({"token": " Paris", "sort": "like"}, "Given: token"),
        ({"token": " Paris", "sign": "*"}, r"The sign is \+"),
        ({"feature_class": "predictive"}, "Did you mean 'prediction'"),
        ({"bank": "c"}, "Its banks: a, b"),
        ({"layer": 4}, "Its layers: 3, 9"),
        ({"layer": 3, "bank": "b"}, "whose banks are a"),
        ({"where": "kurtosis >"}, "Write it as in SQL"),
        ({"where": "curtosis > 3"}, "Write it as in SQL"),
    ],
)
def test_what_does_not_go_together(tiny: Planted, wanted: dict[str, object], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        find(tiny.run, **wanted)  # type: ignore[arg-type]


def test_without_token_sets(plain: Planted) -> None:
    assert find(plain.run, token=" Paris")["class"].null_count() == 20
    assert find(plain.run, like="a/20")["feature"][0] == "a/3"
    for wanted in ({"feature_class": "flat"}, {"token_set": "x"}, {"contrast": ("x", "y")}):
        with pytest.raises(QueryError, match="without token sets"):
            find(plain.run, **wanted)  # type: ignore[arg-type]


def test_arrays_must_be_given(tmp_path: Path) -> None:
    unembedding, banks, _ = planted()
    analyze(unembedding, banks, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert find(run, bank="a").height == 20
    with pytest.raises(SourceError, match=r"arrays in memory.*unembed\.weights_of\(run"):
        find(run, token=" Paris")


def test_banks_without_a_layer(tmp_path: Path) -> None:
    unembedding, banks, _ = planted()
    bank = type(banks[0]).from_array(banks[0].W_dec, name="a")
    run = analyze(unembedding, bank, tmp_path / "run")
    assert find(run, bank="a")["layer"].null_count() == 20
    with pytest.raises(QueryError, match="None of its banks has a layer"):
        find(run, layer=3)
