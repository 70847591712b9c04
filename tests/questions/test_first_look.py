"""A first look at banks, against the run that is made of them afterwards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from tests.planted import Planted
from unembed import Features, Unembedding, analyze
from unembed.questions import first_look as module
from unembed.questions.first_look import look_at_banks
from unembed.sweep import SweepSettings


def test_it_says_what_the_run_will_say(tiny: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_FEATURES", 300)
    banks = list(tiny.banks.values())
    look = look_at_banks(tiny.unembedding, banks, SweepSettings())
    of_run = tiny.run.features.filter(pl.col("skewness").is_not_null())
    for row in look.spread.iter_rows(named=True):
        bank = of_run.filter(pl.col("bank") == row["bank"])
        assert row["features"] == row["read"] == len(tiny.banks[row["bank"]])
        assert row["flat"] == row["read"] - bank.height
        for name in ("std", "skewness", "kurtosis"):
            values = bank[name].to_numpy()
            read = [row[f"{name}_{kind}"] for kind in ("min", "median", "max")]
            expected = [values.min(), np.median(values), values.max()]
            np.testing.assert_allclose(read, expected, rtol=1e-5, atol=1e-6)
    assert look.spread["bank"].to_list() == tiny.run.banks
    largest = [
        address
        for bank in tiny.run.banks
        for address in of_run.filter(pl.col("bank") == bank).top_k(2, by="kurtosis")["feature"]
    ]
    assert sorted(look.peaked["feature"]) == sorted(largest)
    kept = {row["feature"]: row for row in tiny.run.features.iter_rows(named=True)}
    texts = tiny.unembedding.vocabulary.texts
    for row in look.peaked.iter_rows(named=True):
        top = kept[row["feature"]]["top_ids"][:10]
        assert row["top_tokens"] == [texts[token] for token in top]
        assert row["kurtosis"] == pytest.approx(kept[row["feature"]]["kurtosis"], rel=1e-5)


def test_features_are_spread_over_a_bank_and_banks_over_the_run(
    unembedding: Unembedding, random: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = torch.randn(1000, 16, generator=random)
    rows[-1] = 0
    banks = [
        Features.from_array(rows * (1 + at), name=f"b.{at}", indices=range(5, 1005))
        for at in range(30)
    ]
    look = look_at_banks(unembedding, banks, SweepSettings())
    assert look.banks == 30
    assert look.spread["bank"].to_list() == [
        f"b.{at}" for at in (0, 3, 5, 8, 11, 13, 16, 18, 21, 24, 26, 29)
    ]
    assert set(look.spread["read"]) == {128}
    assert set(look.spread["flat"]) == {1}, "the last feature is among those read"
    assert (look.spread["std_min"] > 0).all()
    assert np.diff(look.spread["std_median"]).min() > 0
    assert look.peaked.height == 24
    monkeypatch.setattr(module, "_MULTIPLICATIONS", 20 * unembedding.W_U.numel())
    assert set(look_at_banks(unembedding, banks[:2], SweepSettings()).spread["read"]) == {10}
    assert set(look_at_banks(unembedding, banks, SweepSettings()).spread["read"]) == {8}


def test_banks_of_nothing(unembedding: Unembedding) -> None:
    bank = Features.from_array(torch.zeros(3, 16), name="zero")
    look = look_at_banks(unembedding, [bank], SweepSettings())
    row = look.spread.row(0, named=True)
    assert (row["read"], row["flat"], row["kurtosis_max"]) == (3, 3, None)
    assert look.peaked.height == 0


def test_it_leaves_no_trace_in_what_is_analysed(
    unembedding: Unembedding, bank: Features, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    analyze(unembedding, bank, folder / "before")
    look_at_banks(unembedding, [bank], SweepSettings(top_k=3))
    analyze(replace(unembedding), bank, folder / "after")
    for path in sorted((folder / "before").rglob("*.parquet")):
        there = folder / "after" / path.relative_to(folder / "before")
        assert path.read_bytes() == there.read_bytes()
