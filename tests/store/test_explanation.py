"""Classes and labels in a run, and what is said where there are none."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from tests.planted import Planting
from unembed import (
    EnrichmentSettings,
    ExplanationSettings,
    Features,
    Run,
    TokenSets,
    Unembedding,
    analyze,
)
from unembed.errors import QueryError, RunError

N, D = 3000, 48
FEW = EnrichmentSettings(directions=200)


@pytest.fixture(scope="module")
def planting() -> Planting:
    """Tokens of which 30 share a direction, and half another."""
    axes = torch.eye(D)
    made = Planting(torch.randn(N, D, generator=torch.Generator().manual_seed(0)), name="n")
    made.token_set("months", range(30), along=6 * axes[0])
    made.token_set("even", range(0, N, 2), along=1.6 * axes[1])
    made.token_set("some", range(7, N, 50))
    made.token_set("few", range(11, N, 77))
    return made


@pytest.fixture(scope="module")
def model(planting: Planting) -> Unembedding:
    return planting.unembedding


@pytest.fixture(scope="module")
def sets(planting: Planting) -> TokenSets:
    return planting.sets


@pytest.fixture(scope="module")
def bank() -> Features:
    """Promotes months, suppresses them, splits, random; dead; flat; then random ones."""
    rows = 0.02 * torch.randn(900, D, generator=torch.Generator().manual_seed(1))
    rows[:3] += torch.stack([torch.eye(D)[0], -torch.eye(D)[0], torch.eye(D)[1]])
    rows[5] = 0
    density = np.full(900, -3, np.float32)
    density[4] = -10
    return Features.from_array(rows, name="bank", log10_density=density)


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, model: Unembedding, bank: Features, sets: TokenSets
) -> Run:
    folder = tmp_path_factory.mktemp("explained") / "run"
    other = replace(bank, name="other", W_dec=bank.W_dec[:700].flip(0), indices=np.arange(700),
                    log10_density=None)  # fmt: skip
    return analyze(model, [bank, other], folder, token_sets=sets, enrichment=FEW)


def test_classes_stand_in_the_features_table(run: Run) -> None:
    found = run.features.head(6)
    assert found["class"].to_list() == [
        "prediction", "suppression", "partition", "diffuse", "dead", "flat",
    ]  # fmt: skip
    assert found["label"][0].startswith("promotes months (z +")
    assert found["label"][1].startswith("suppresses months (z −")
    assert found["label"][2].startswith("splits even (R² 0.")
    assert found["label"][3].startswith("as random directions do; top tokens ' t")
    assert found["label"][5] == "writes nothing"
    assert found["partition_set"].to_list()[2] == "even"
    assert found["partition_r2"][2] > 0.3
    for bank in run.banks:
        for cut in ("kurtosis_above", "skewness_below", "skewness_above"):
            assert run.features.filter(bank=bank)[cut].n_unique() == 1


def test_explain_gives_names_and_evidence(run: Run) -> None:
    case = run.explain("bank/1")
    (part,) = case["parts"]
    assert part["token_set"] == "months"
    assert part["size"] == 30
    scores = run.enrichment("bank/1", token_set="months").row(0, named=True)
    assert part["z"] == pytest.approx(scores["z"], rel=1e-5)
    assert case["covered_bottom"] == pytest.approx(30 / 50)
    assert case["variance_explained"] == pytest.approx(
        part["z"] ** 2 * _sd(run, 0) ** 2 * 30 / (N - 30), rel=1e-3
    )


def _sd(run: Run, token_set: int) -> float:
    return float(pl.read_parquet(run.path / "enrichment/tests/bank.parquet")["sd"][token_set])


def test_a_run_without_token_sets_says_how_to_get_explanations(
    tmp_path: Path, model: Unembedding, bank: Features
) -> None:
    plain = analyze(model, bank, tmp_path / "run")
    assert not plain.is_explained
    assert plain.features["class"].null_count() == 900
    with pytest.raises(QueryError, match=r"made without token sets. Make the run again"):
        plain.explain("bank/0")


def test_explanations_of_what_is_not_there(run: Run) -> None:
    with pytest.raises(QueryError, match="bank has no feature 900"):
        run.explain("bank/900")
    with pytest.raises(QueryError, match=r"no bank 'bonk'.*Did you mean 'bank'"):
        run.explain("bonk/1")


def test_settings_are_part_of_a_run(
    tmp_path: Path, model: Unembedding, bank: Features, sets: TokenSets
) -> None:
    folder = tmp_path / "run"
    loose = ExplanationSettings(split_variance=0.9)
    made = analyze(model, bank, folder, token_sets=sets, enrichment=FEW, explanation=loose)
    assert made.features["class"][2] != "partition"
    with pytest.raises(RunError, match=r"enrichment\.explanation.split_variance"):
        analyze(model, bank, folder, token_sets=sets, enrichment=FEW)


def test_sets_may_be_named_for_the_outermost_tokens_alone(
    tmp_path: Path, model: Unembedding, bank: Features, sets: TokenSets
) -> None:
    """Of each side: months are at the top of the first feature, and at the bottom of the second."""
    tokens_alone = ExplanationSettings(least_variance=0.9)
    made = analyze(
        model, bank, tmp_path / "run", token_sets=sets, enrichment=FEW, explanation=tokens_alone
    )
    for index, verb in enumerate(("promotes", "suppresses")):
        assert made.features["label"][index].startswith(f"{verb} months")
    strict = ExplanationSettings(least_variance=0.9, least_tokens=40)
    made = analyze(
        model, bank, tmp_path / "strict", token_sets=sets, enrichment=FEW, explanation=strict
    )
    assert made.features["label"][0].startswith("its own words: promotes t")
    assert made.explain("bank/0")["parts"] == []
    assert made.explain("bank/0")["rejected"][0]["reason"] == "slight"


def test_a_stopped_run_ends_with_the_same_explanations(
    tmp_path: Path, model: Unembedding, bank: Features, sets: TokenSets, run: Run
) -> None:
    again = analyze(model, bank, tmp_path / "run", token_sets=sets, enrichment=FEW)
    table = again.path / "explanations" / "bank-00000.parquet"
    before = table.read_bytes()
    (again.path / "features" / "bank-00000.parquet").unlink()
    analyze(model, bank, tmp_path / "run", token_sets=sets, enrichment=FEW)
    assert table.read_bytes() == before
    of_two_banks = run.path / "explanations" / "bank-00000.parquet"
    assert pl.read_parquet(table).equals(pl.read_parquet(of_two_banks))


def test_a_damaged_table_is_named(tmp_path: Path, model: Unembedding, sets: TokenSets) -> None:
    small = Features.from_array(torch.randn(200, D), name="small")
    made = analyze(model, small, tmp_path / "run", token_sets=sets, enrichment=FEW)
    (made.path / "explanations" / "small-00000.parquet").write_bytes(b"nothing")
    with pytest.raises(RunError, match=r"explanations/small-00000\.parquet is damaged"):
        Run.open(made.path).features  # noqa: B018


def test_a_last_resort_splits_only_where_nothing_else_does(
    tmp_path: Path, model: Unembedding, bank: Features
) -> None:
    half = np.arange(0, N, 2)
    nearly = np.append(half[: -N // 60], np.arange(1, N // 30, 2))
    for at, others in enumerate(({"nearly": nearly}, {})):
        sets = TokenSets.from_ids({"rank:half": half, **others}, model.vocabulary)
        made = analyze(model, bank, tmp_path / f"{at}", token_sets=sets, enrichment=FEW)
        assert made.features["class"][2] == "partition"
        assert made.features["partition_set"][2] == ("nearly" if others else "rank:half")


def test_a_core_is_told_by_the_part_that_it_is_of(tmp_path: Path) -> None:
    axes = torch.eye(160)
    made = Planting(torch.randn(N, 160, generator=torch.Generator().manual_seed(0)), name="n")
    made.token_set("months", range(30), along=4 * axes[0])
    made.token_set("may", range(3), along=8 * axes[2])
    rows = 0.02 * torch.randn(900, 160, generator=torch.Generator().manual_seed(2))
    rows[:3] += axes[0] + 0.9 * axes[2]
    bank = Features.from_array(rows, name="bank")
    run = analyze(made.unembedding, bank, tmp_path / "run", token_sets=made.sets, enrichment=FEW)
    parts = run.explain("bank/0")["parts"]
    cores = {part["token_set"]: part["core_of"] for part in parts}
    assert cores == {"months": None, "may": "months"}
    assert ", above all may (z +" in run.features["label"][0]
    assert run.collisions("bank/0")["writes"].to_list() == ["promotes months, above all may"]
    assert run.explanations is not None
    named = [bool(run.explain(address)["parts"]) for address in run.features["feature"]]
    assert run.explanations.labelled.to_list() == named
    assert 3 <= sum(named) < 900


def test_a_label_of_the_other_end_says_that_the_heavy_tail_is_no_known_set(tmp_path: Path) -> None:
    """And a last resort, which would say nothing else of the feature, is no label for it."""
    axes = torch.eye(D)
    rows = 0.02 * torch.randn(900, D, generator=torch.Generator().manual_seed(3))
    rows[0] = axes[0] - 0.9 * axes[3]
    bank = Features.from_array(rows, name="bank")
    for name in ("light", "rank:light"):
        made = Planting(torch.randn(N, D, generator=torch.Generator().manual_seed(0)), name="n")
        made.token_set("unnamed", range(30), along=6 * axes[0])
        made.token_set(name, range(1000, 1400), along=1.7 * axes[3])
        sets = made.sets.select([name])
        run = analyze(made.unembedding, bank, tmp_path / name[:4], token_sets=sets, enrichment=FEW)
        found = run.features.row(0, named=True)
        assert found["class"] == "prediction"
        if name == "light":
            assert re.match(r"suppresses light \(z −\d+\.\d\); no known set for", found["label"])
            assert " heavy tail ' t" in found["label"]
        else:
            assert "rank" not in found["label"]
            assert run.explain("bank/0")["parts"] == []
