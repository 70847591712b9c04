"""Tables that are not those of the manifest beside them are named, never shown."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from unembed import EnrichmentSettings, Features, Run, TokenSets, Unembedding, analyze, sealed
from unembed.errors import RunError
from unembed.store import Manifest

GOLDEN = Path(__file__).parents[1] / "golden" / "schema-1"
FEW = EnrichmentSettings(directions=100, max_q=1.0)


@pytest.fixture
def made(
    tmp_path: Path, unembedding: Unembedding, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, int], Path]:
    """Make a run of two banks; the number decides what their features are."""
    monkeypatch.setattr("unembed.store.manifest.SHARD_FEATURES", 20)

    def make(name: str, seed: int) -> Path:
        random = torch.Generator().manual_seed(seed)
        banks = [
            Features.from_array(torch.randn(30, 16, generator=random), name=each) for each in "ab"
        ]
        sets = TokenSets.from_ids({"s": range(1, 50)}, unembedding.vocabulary)
        analyze(unembedding, banks, tmp_path / name, token_sets=sets, enrichment=FEW)
        return tmp_path / name

    return make


def tables(folder: Path) -> list[str]:
    found = [*folder.rglob("*.parquet"), *folder.rglob("*.npy")]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def refused(folder: Path, table: str) -> None:
    with pytest.raises(RunError) as caught:
        Run.open(folder)
    assert str(folder / table) in str(caught.value)
    assert "Put the run's own table back" in str(caught.value)


def test_every_table_of_another_run(made: Callable[[str, int], Path]) -> None:
    one, other = made("one", 1), made("other", 2)
    for table in tables(one):
        shutil.copy(one / table, one / "kept")
        shutil.copy(other / table, one / table)
        refused(one, table)
        shutil.copy(one / "kept", one / table)
    assert Run.open(one).features.height == 60
    shutil.copy(other / "manifest.json", one / "manifest.json")
    refused(one, "tokens.parquet")


@pytest.mark.parametrize(
    ("table", "of"),
    [
        ("features/a-00000.parquet", "features/b-00000.parquet"),
        ("features/a-00000.parquet", "features/a-00001.parquet"),
        ("null/a.parquet", "null/b.parquet"),
        ("explanations/b-00001.parquet", "explanations/b-00000.parquet"),
        ("enrichment/z/a-00000.npy", "enrichment/z/b-00000.npy"),
    ],
)
def test_another_table_of_the_run(made: Callable[[str, int], Path], table: str, of: str) -> None:
    run = made("one", 1)
    shutil.copy(run / of, run / table)
    refused(run, table)


def test_scores_of_another_number_of_features(made: Callable[[str, int], Path]) -> None:
    run, table = made("one", 1), "enrichment/z/a-00001.npy"
    np.save(run / table, np.zeros((11, 1), np.float16))
    with pytest.raises(RunError, match=f"{table} carries no hash"):
        Run.open(run)
    sealed.seal(run / table, {"unembed.run": Manifest.load(run).digest, "unembed.table": table})
    refused(run, table)


def test_where_weights_lay_changes_no_byte(
    unembedding: Unembedding, bank: Features, tmp_path: Path
) -> None:
    for place in ("here", "there"):
        moved = Features.from_array(bank.W_dec, name="bank", layer=3, origin={"path": place})
        analyze(unembedding, moved, tmp_path / place)
    for table in tables(tmp_path / "here"):
        assert (tmp_path / "here" / table).read_bytes() == (tmp_path / "there" / table).read_bytes()


# --- runs of earlier versions, whose tables say nothing of themselves ---


@pytest.fixture
def old(tmp_path: Path) -> Path:
    shutil.copytree(GOLDEN, tmp_path / "old")
    return tmp_path / "old"


def test_earlier_runs_are_read(old: Path) -> None:
    assert Run.open(old).features.height == 8


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("features/sae.3-00000.parquet", lambda t: t.head(5)),
        ("features/sae.3-00000.parquet", lambda t: t.with_columns(bank=pl.lit("other"))),
        ("features/sae.3-00000.parquet", lambda t: t.with_columns(index=pl.lit(5, pl.Int64))),
        ("tokens.parquet", lambda t: t.head(20)),
        ("token_sets.parquet", lambda t: t.head(2)),
        ("explanations/mlp.3-00000.parquet", lambda t: pl.concat([t, t])),
    ],
)
def test_what_tells_an_earlier_table_apart(
    old: Path, table: str, change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    change(pl.read_parquet(old / table)).write_parquet(old / table)
    refused(old, table)


def test_every_shard_is_looked_at(old: Path) -> None:
    first, second = (shard.path for shard in Manifest.load(old).shards())
    shutil.copy(old / first, old / second)
    refused(old, second)
