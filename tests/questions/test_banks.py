"""A run by bank: counts, percentiles and shares, taken by hand from its rows and pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from tests.planted import FEW, Planting, bank_of, planted_run
from unembed import (
    EnrichmentSettings,
    Features,
    Run,
    TokenSets,
    Unembedding,
    analyze,
)
from unembed.errors import QueryError
from unembed.explanation import CLASSES
from unembed.facts import BankFacts
from unembed.questions import banks as questions
from unembed.questions.sets_by_bank import sets_by_bank

N, D = 1200, 24


@pytest.fixture(scope="module")
def planting() -> Planting:
    """Sets `few` and `some`; `few2`, nearly the same; halves of the vocabulary; `never`."""
    made = Planting(torch.randn(N, D, generator=torch.Generator().manual_seed(0)), name="model")
    members = {
        "some": range(50, 80),
        "few": range(20),
        "few2": range(1, 21),
        "half": range(0, N, 2),
        "other_half": range(1, N, 2),
        "never": [7, 500, 900],
    }
    for name, ids in members.items():
        made.token_set(name, ids, family="plain")
    return made


@pytest.fixture(scope="module")
def model(planting: Planting) -> Unembedding:
    return planting.unembedding


@pytest.fixture(scope="module")
def sets(planting: Planting) -> TokenSets:
    return planting.sets


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, planting: Planting) -> Run:
    """Two kinds of banks in no order, that write `few` and `half` more with depth."""
    few, half = planting.mean("few"), planting.mean("half")
    banks = []
    for number, (name, layer, of_few, of_half, sign) in enumerate(
        [
            ("b.11", 11, 8, 6, 1), ("a.9", 9, 4, 0, -1), ("loose", None, 0, 0, 1),
            ("a.10", 10, 9, 3, -1), ("b.2", 2, 0, 0, 1),
        ]
    ):  # fmt: skip
        random = torch.Generator().manual_seed(number + 1)
        doing = {
            **dict.fromkeys(range(of_few), sign * 60 * few),
            **dict.fromkeys(range(50, 50 + of_half), 60 * half),
            99: torch.zeros(D),
        }
        rows = torch.randn(100 + number, D, generator=random)
        banks.append(bank_of(name, rows, doing, layer=layer))
    out = tmp_path_factory.mktemp("depth") / "run"
    return planted_run(out, planting.unembedding, banks, planting.sets, enrichment=FEW).run


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, model: Unembedding) -> Run:
    """A run without token sets, with a bank that writes nothing."""
    banks = [
        Features.from_array(torch.zeros(3, D), name="nothing"),
        Features.from_array(torch.eye(D), name="something"),
    ]
    return analyze(model, banks, tmp_path_factory.mktemp("bare") / "run")


ORDER = ["b.2", "b.11", "a.9", "a.10", "loose"]


def test_banks_by_kind_and_layer(run: Run) -> None:
    frame = questions.by_depth(run)
    assert frame["bank"].to_list() == ORDER
    assert frame["kind"].to_list() == ["b", "b", "a", "a", "loose"]
    assert frame["layer"].to_list() == [2, 11, 9, 10, None]


@pytest.mark.parametrize(
    ("name", "layer", "kind"),
    [
        ("mlp.26", 26, "mlp"),
        ("sae.8.width_8", 8, "sae.width_8"),
        ("sae.80", 8, "sae.80"),
        ("layer8", 8, "layer8"),
        ("vectors", None, "vectors"),
    ],
)
def test_kind_is_the_name_without_the_layer(name: str, layer: int | None, kind: str) -> None:
    assert BankFacts(name, 1, None, layer, None, {}, "").kind == kind


def test_percentiles_are_those_of_the_features_that_write(run: Run) -> None:
    frame = questions.spread_by_bank(run)
    assert frame["bank"].to_list() == ORDER
    for row in frame.iter_rows(named=True):
        of_bank = run.features.filter(bank=row["bank"])
        assert row["features"] == of_bank.height
        assert row["flat"] == 1
        for name in ("std", "skewness", "kurtosis"):
            values = np.delete(of_bank[name].to_numpy(), 99)
            for p in (1, 5, 25, 50, 75, 95, 99):
                assert row[f"{name}_p{p}"] == pytest.approx(np.percentile(values, p))
            assert row[f"{name}_min"] == values.min()
            assert row[f"{name}_max"] == values.max()


def test_a_bank_that_writes_nothing_has_no_percentiles(bare: Run) -> None:
    nothing, something = questions.spread_by_bank(bare).iter_rows(named=True)
    assert (nothing["features"], nothing["flat"]) == (3, 3)
    assert nothing["std_p50"] is nothing["kurtosis_max"] is None
    assert something["std_p50"] > 0


def test_classes_are_counted(run: Run) -> None:
    frame = questions.classes_by_bank(run)
    assert frame["class"].to_list() == [*CLASSES] * 5
    assert frame["bank"].unique(maintain_order=True).to_list() == ORDER
    for row in frame.iter_rows(named=True):
        of_bank = run.features.filter(bank=row["bank"])["class"].to_list()
        assert row["features"] == of_bank.count(row["class"])
        assert row["share"] == pytest.approx(row["features"] / len(of_bank))
    assert frame.filter(pl.col("class") == "flat")["features"].to_list() == [1] * 5


def test_a_run_without_classes_says_so(bare: Run) -> None:
    with pytest.raises(QueryError, match=r"have no classes.*--sets default"):
        questions.classes_by_bank(bare)


def cells(frame: pl.DataFrame, column: str) -> dict[str, dict[str, Any]]:
    """Set → bank → value."""
    found: dict[str, dict[str, Any]] = {}
    for row in frame.iter_rows(named=True):
        found.setdefault(row["token_set"], {})[row["bank"]] = row[column]
    return found


def test_shares_are_those_of_the_significant_pairs(run: Run, sets: TokenSets) -> None:
    frame = sets_by_bank(run, list(sets))
    assert frame.height == 6 * 5
    assert frame["bank"].to_list() == ORDER * 6
    pairs = list(run.enrichment().iter_rows(named=True))
    for row in frame.iter_rows(named=True):
        of = [
            pair["z"] for pair in pairs
            if pair["token_set"] == row["token_set"]
            and pair["feature"].rpartition("/")[0] == row["bank"]
        ]  # fmt: skip
        n = run.features.filter(bank=row["bank"]).height
        up, down = sum(z > 0 for z in of), sum(z < 0 for z in of)
        assert (row["promoting"], row["suppressing"]) == (up, down)
        assert row["promoted"] == pytest.approx(up / n)
        assert row["suppressed"] == pytest.approx(down / n)
        assert row["share"] == pytest.approx((up + down) / n)
    few = cells(frame, "suppressing")["few"]
    assert few["a.10"] >= 9
    assert few["a.9"] >= 4
    assert cells(frame, "promoting")["few"]["b.11"] >= 8


def test_the_most_written_sets_first_and_what_is_alike_once(run: Run) -> None:
    frame = sets_by_bank(run)
    order = frame["token_set"].unique(maintain_order=True).to_list()
    assert {"few", "few2"} & {*order} == {order[0]}
    assert len({"half", "other_half"} & {*order}) == 1
    alike = dict(zip(frame["token_set"], frame["alike"], strict=True))
    assert alike[order[0]] == 1
    written = frame.group_by("token_set", maintain_order=True).agg(pl.col("share").sum())
    assert written["share"].to_list() == sorted(written["share"], reverse=True)
    every = sets_by_bank(run, limit=None)
    assert {"few", "few2", "half", "other_half"} <= {*every["token_set"]}
    assert every["alike"].sum() == 0


def test_limit_counts_sets(run: Run) -> None:
    frame = sets_by_bank(run, limit=1)
    assert frame["token_set"].n_unique() == 1
    assert frame["bank"].to_list() == ORDER


def test_a_sign_chooses_and_measures(run: Run) -> None:
    down = sets_by_bank(run, ["few"], sign="-")
    assert down["share"].to_list() == down["suppressed"].to_list()
    up = sets_by_bank(run, ["few"], sign="+")
    assert up["share"].to_list() == up["promoted"].to_list()
    halves = {"half", "other_half"}
    first_up = sets_by_bank(run, sign="+", limit=None)["token_set"].to_list()
    assert "half" in first_up
    written = sets_by_bank(run, sign="-", limit=None)
    assert (written.group_by("token_set").agg(pl.col("share").sum())["share"] > 0).all()
    assert halves & {*written["token_set"]} <= {"other_half"}


def test_names_aliases_and_their_order(run: Run) -> None:
    frame = sets_by_bank(run, ["never", "few", "never"], limit=1)
    assert frame["token_set"].unique(maintain_order=True).to_list() == ["never", "few"]
    assert frame.filter(token_set="never")["share"].sum() == 0


def test_families(run: Run) -> None:
    assert sets_by_bank(run, family="plain").equals(sets_by_bank(run))
    with pytest.raises(QueryError, match=r"no family 'plane'. Did you mean 'plain'"):
        sets_by_bank(run, family=["plain", "plane"])


def test_what_is_not_there(run: Run, bare: Run) -> None:
    with pytest.raises(QueryError, match=r"no token set 'fev' among the 6 .* mean 'few'"):
        sets_by_bank(run, ["fev"])
    with pytest.raises(QueryError, match=r"sign is \+ .* not 'up'"):
        sets_by_bank(run, sign="up")  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="made without token sets"):
        sets_by_bank(bare)


def test_a_run_in_which_nothing_passes(tmp_path: Path, model: Unembedding, sets: TokenSets) -> None:
    random = torch.Generator().manual_seed(9)
    bank = Features.from_array(torch.randn(40, D, generator=random), name="noise")
    settings = EnrichmentSettings(tsea="none", directions=200, max_q=1e-9)
    quiet = analyze(model, bank, tmp_path / "run", token_sets=sets, enrichment=settings)
    assert sets_by_bank(quiet).is_empty()
    assert sets_by_bank(quiet, ["few"])["share"].to_list() == [0]
