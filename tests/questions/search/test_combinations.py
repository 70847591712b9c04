"""Every criterion with every filter, on a run of several banks: what is left of the whole list."""

from __future__ import annotations

from itertools import product
from typing import Any

import polars as pl
import pytest
import torch

from tests.planted import FEW, Planted, planted
from unembed import Features, analyze, find, weights_of

CRITERIA: dict[str, dict[str, Any]] = {
    "set": {"token_set": "both"},
    "contrast": {"contrast": ("names:female", "names:male")},
    "token": {"token": " Paris"},
    "like": {"like": "a/20"},
    "set and token": {"token_set": "girls", "token": " London"},
    "none": {},
}
FILTERS: dict[str, tuple[dict[str, Any], pl.Expr]] = {
    "first bank": ({"bank": "a"}, pl.col("bank") == "a"),
    "last bank": ({"bank": ["c→4"]}, pl.col("bank") == "c→4"),
    "typed bank": ({"bank": ["b", "c->4"]}, pl.col("bank").is_in(["b", "c→4"])),
    "layer": ({"layer": 9}, pl.col("bank") == "b"),
    "layers": ({"layer": [9, 4]}, pl.col("bank").is_in(["b", "c→4"])),
    "no feature": ({"where": "kurtosis > 1000000000"}, pl.lit(False)),
    "condition": (
        {"where": "bank = 'b' and skewness < 0"},
        (pl.col("bank") == "b") & (pl.col("skewness") < 0),
    ),
    "class": (
        {"feature_class": "diffuse", "layer": 9},
        (pl.col("bank") == "b") & (pl.col("class") == "diffuse"),
    ),
    "a flat bank": ({"bank": "z"}, pl.col("bank") == "z"),
}  # fmt: skip


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """Four banks, of which one writes nothing."""
    unembedding, (a, b), sets = planted()
    zero = Features.from_array(torch.zeros(7, 24), name="z", layer=5)
    arrow = Features.from_array(b.W_dec.flip(0) + a.W_dec[:60], name="c→4", layer=4)
    banks = [a, zero, b, arrow]
    run = analyze(
        unembedding, banks, tmp_path_factory.mktemp("several"), token_sets=sets, null="identity",
        enrichment=FEW,
    )  # fmt: skip
    weights_of(run, unembedding=unembedding, banks=banks)
    return Planted(run, unembedding, {bank.name: bank for bank in banks}, sets)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_filters_leave_what_fits(several: Planted, criterion: str) -> None:
    given = CRITERIA[criterion]
    everything = given or {"where": "true"}
    whole = find(several.run, **everything, limit=None).drop("token_rank", strict=False)
    whole = whole.with_columns(bank=pl.col("feature").str.split("/").list.first())
    for (filters, fits), sign in product(FILTERS.values(), ("+", "-", None) if given else (None,)):
        found = find(several.run, **given, **filters, sign=sign, limit=None)
        scores = [name for name in ("set_z", "contrast_z", "token_z", "cosine") if name in whole]
        way = {"+": 1, "-": -1, None: 0}[sign]
        expected = whole.filter(fits, *(way * pl.col(name) >= 0 for name in scores))
        assert set(found["feature"]) == set(expected["feature"]), (filters, sign)
        order = found.select("feature").join(expected.drop("bank"), on="feature", how="left")
        assert order.equals(found.drop("token_rank", strict=False).select(order.columns))


def test_flat_features_have_no_score(several: Planted) -> None:
    assert find(several.run, token_set="both", bank="z").is_empty()
    assert find(several.run, bank="z").height == 7
