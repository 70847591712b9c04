"""Reading a run back."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from tests.planted import Planted
from unembed import Features, Run, Sweep, Unembedding, analyze
from unembed.errors import QueryError, RunError, UnembedError
from unembed.store import shards
from unembed.store.explanation import CLASS_COLUMNS
from unembed.store.schema import FEATURE_COLUMNS


def test_the_table_holds_what_the_sweep_read(
    tmp_path: Path, unembedding: Unembedding, bank: Features
) -> None:
    frame = analyze(unembedding, bank, tmp_path).features
    read = Sweep(unembedding).read(bank.W_dec)
    address = {"feature": pl.String(), "bank": pl.String(), "index": pl.Int64()}
    expected = {
        **address,
        "layer": pl.Int64(),
        "lens": pl.String(),
        **FEATURE_COLUMNS,
        **CLASS_COLUMNS,
    }
    assert frame.schema == pl.Schema(expected)
    assert frame["index"].to_list() == list(range(50))
    for column, values in {
        "std": read.std, "skewness": read.skewness, "kurtosis": read.kurtosis,
        "min": read.minimum, "max": read.maximum, "norm": read.norm, "mean": read.mean,
    }.items():  # fmt: skip
        np.testing.assert_array_equal(frame[column], values)
    for column in ("histogram", "top_ids", "top_weights", "bottom_ids", "bottom_weights"):
        np.testing.assert_array_equal(np.stack(frame[column].to_list()), getattr(read, column))


def test_a_dead_feature_is_null_in_the_table(tmp_path: Path, unembedding: Unembedding) -> None:
    rows = torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
    rows[1] = 0
    bank = Features.from_array(rows, log10_density=np.array([-2, -12, -3], np.float32))
    run = analyze(unembedding, bank, tmp_path)
    dead = run.features.select(*FEATURE_COLUMNS).row(1, named=True)
    assert {name for name, value in dead.items() if value is None} == {
        "skewness", "kurtosis", "histogram",
        "top_ids", "top_weights", "bottom_ids", "bottom_weights",
    }  # fmt: skip
    assert (dead["std"], dead["min"], dead["max"], dead["norm"]) == (0, 0, 0, 0)
    assert dead["log10_density"] == -12
    assert not run.features.select(pl.selectors.float().is_nan().any()).row(0).count(True)
    assert run.feature("features/1")["top_tokens"] is None


def test_several_banks_and_shards_keep_their_order(
    tmp_path: Path, unembedding: Unembedding, bank: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    density = np.linspace(-9, -1, 50).astype(np.float32)
    bank = replace(bank, log10_density=density)
    whole = analyze(unembedding, [bank, bank.renamed("b")], tmp_path / "whole").features
    monkeypatch.setattr("unembed.store.manifest.SHARD_FEATURES", 7)
    run = analyze(unembedding, [bank, bank.renamed("b")], tmp_path / "parts")
    assert run.banks == ["bank", "b"]
    assert len(list((tmp_path / "parts" / "features").iterdir())) == 16
    assert run.features["bank"].to_list() == ["bank"] * 50 + ["b"] * 50
    exact = ("bank", "index", "top_ids", "bottom_ids", "norm", "log10_density")
    np.testing.assert_array_equal(run.features["log10_density"], np.tile(density, 2))
    assert run.features.select(exact).equals(whole.select(exact))
    np.testing.assert_allclose(run.features["kurtosis"], whole["kurtosis"], rtol=1e-6)


def test_tokens(tmp_path: Path, unembedding: Unembedding, bank: Features) -> None:
    tokens = analyze(unembedding, bank, tmp_path).tokens
    assert tokens.height == 200
    assert tokens.row(5, named=True) == {
        "id": 5, "text": " word4", "bytes": b" word4",
        "special": False, "unused": False, "partial_utf8": False, "masked": False,
    }  # fmt: skip
    assert tokens["masked"].sum() == tokens["special"].sum() == 1


def test_feature_addresses(tmp_path: Path, unembedding: Unembedding, bank: Features) -> None:
    indexed = Features.from_array(bank.W_dec, name="sae.3", indices=range(100, 150))
    run = analyze(unembedding, indexed, tmp_path)
    assert run.feature("sae.3/120")["index"] == 120
    assert run.feature("120")["bank"] == "sae.3", "one bank alone need not be named"
    top = run.feature("120")
    texts = unembedding.vocabulary.texts
    assert top["top_tokens"] == [texts[i] for i in top["top_ids"]]
    with pytest.raises(QueryError, match="has no feature 99: its 50 indices are 100 to 149"):
        run.feature("sae.3/99")
    with pytest.raises(QueryError, match=r"no bank 'sae\.4' .* Did you mean 'sae\.3'"):
        run.feature("sae.4/120")
    with pytest.raises(QueryError, match="write bank/index"):
        run.feature("sae.3/x")


def test_no_run_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is no run: it is not there. .*unembed demo"):
        Run.open(tmp_path / "nothing")
    with pytest.raises(RunError, match=r"it holds no manifest\.json"):
        Run.open(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"it is no folder.* -o RUN`"):
        Run.open(tmp_path / "file")


def test_two_banks_of_one_name(tmp_path: Path, unembedding: Unembedding, bank: Features) -> None:
    with pytest.raises(UnembedError, match="Two banks are named 'bank'"):
        analyze(unembedding, [bank, bank], tmp_path / "run")
    with pytest.raises(UnembedError, match="'bank' and 'Bank' would both have the file"):
        analyze(unembedding, [bank, bank.renamed("Bank")], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_no_banks(tmp_path: Path, unembedding: Unembedding) -> None:
    with pytest.raises(UnembedError, match="no features to analyse"):
        analyze(unembedding, [], tmp_path / "run")


def test_rows_across_shards_in_any_order(
    tmp_path: Path, unembedding: Unembedding, bank: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unembed.store.manifest.SHARD_FEATURES", 7)
    run = analyze(unembedding, [bank, bank.renamed("b")], tmp_path / "parts")
    rows = [99, 7, 6, 50, 0, 49, 7, 13, 14]
    assert run.outermost(rows).equals(
        run.features[rows].select("top_ids", "top_weights", "bottom_ids", "bottom_weights")
    )
    for start, stop in ((0, 7), (6, 8), (48, 52), (93, 100)):
        found = run.rows(start, stop).drop("top_tokens", "bottom_tokens")
        assert found.equals(run.features[start:stop])
    assert run.outermost([]).is_empty()
    for wrong in ([100], [-1, 3]):
        with pytest.raises(QueryError, match="0 to 99"):
            run.outermost(wrong)


def test_a_changed_shard_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    shards.write_table(path, pl.DataFrame({"n": [1]}))
    assert shards.recent_table(path)["n"].to_list() == [1]
    shards.write_table(path, pl.DataFrame({"n": [2]}))
    os.utime(path, ns=(1, 1))
    assert shards.recent_table(path)["n"].to_list() == [2]


def test_a_feature_has_its_own_class(tiny: Planted) -> None:
    for at in range(0, 360, 7):
        row = tiny.run.scalars.row(at, named=True)
        found = tiny.run.feature(f"{row['bank']}/{row['index']}")
        assert (found["class"], found["label"]) == (row["class"], row["label"])
