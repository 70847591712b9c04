"""The decoy exam of a run: its points are those that a plain loop gives."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from tests.planted import FEW, Planted, Planting, bank_of, planted_run
from unembed import ExplanationSettings, Run
from unembed.errors import QueryError
from unembed.explanation import decoys
from unembed.questions import exam, label_exam

D, SETS = 96, 12
SUPPRESSING, BOTH = 9, 300


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """Each set is promoted by three features of bank `a`, and suppressed by none or one.

    Twelve features split the vocabulary, half of them the other way round, and one promotes a set
    and one of these sides. Bank `b` has four labelled ones, and `c`, which is first, none.
    """
    axes = torch.eye(D)
    random = torch.Generator().manual_seed(0)
    planting = Planting(torch.randn(2400, D, generator=random))
    for at in range(SETS):
        planting.token_set(f"set{at}", range(30 * at, 30 * at + 30), along=8 * axes[at])
    planting.token_set("even", range(0, 2400, 2), along=1.6 * axes[SETS])
    rows = 0.04 * torch.randn(900, D, generator=random)
    doing = {3 * at + k: axes[at] + (2 + k) * rows[3 * at + k] for at in range(SETS)
             for k in range(3)}  # fmt: skip
    doing |= {100 + at: -axes[at] + 3 * rows[100 + at] for at in range(SUPPRESSING)}
    doing |= {200 + at: (-1) ** at * axes[SETS] + rows[200 + at] for at in range(12)}
    doing[BOTH] = axes[0] + 0.9 * axes[SETS] + rows[BOTH]
    random_rows = torch.randn(100, D, generator=random)
    banks = [
        bank_of("c", random_rows),
        bank_of("a", rows, doing, indices=np.random.default_rng(0).permutation(900) * 2),
        bank_of("b", rows[300:500], {at: axes[at] for at in range(4)}),
    ]
    return planted_run(
        tmp_path_factory.mktemp("exam") / "run", planting.unembedding, banks, planting.sets,
        enrichment=FEW, explanation=ExplanationSettings(parts=2),
    )  # fmt: skip


def by_loop(run: Run, bank: str) -> tuple[float, int, list[str]]:
    """Points and features that are asked for, and classes too small, label by label."""
    rows = run.features.filter(bank=bank).with_columns(
        row=pl.Series([run.row_of(each) for each in run.features.filter(bank=bank)["feature"]])
    )
    cases = {each["index"]: run.explain(each["feature"]) for each in rows.iter_rows(named=True)}
    labelled = [index for index, case in cases.items() if case["parts"]]
    names = [str(name) for name in dict.fromkeys(cases[index]["class"] for index in labelled)]
    points, asked, few = 0.0, 0, []
    for name in names:
        indices = np.array([index for index in labelled if cases[index]["class"] == name])
        if len(indices) < 10:
            few.append(name)
            continue
        for own in range(len(indices)):
            ten = indices[decoys.lineup(bank, indices, np.array([own]))[0]]
            case, fits = cases[indices[own]], []
            for each in ten:
                moved = []
                for part in case["parts"]:
                    z = run.enrichment(f"{bank}/{each}", token_set=part["token_set"])["z"][0]
                    splits = name == "partition" and part["token_set"] == case["partition_set"]
                    moved.append(abs(z) if splits else z if part["z"] > 0 else -z)
                fits.append(np.mean(moved))
            best = [fit for fit in fits if fit == max(fits)]
            points += 1 / len(best) if fits[0] == max(fits) else 0
            asked += 1
    return points, asked, few


def test_points_are_those_of_a_plain_loop(made: Planted) -> None:
    found = {row["bank"]: row for row in label_exam(made.run).iter_rows(named=True)}
    assert list(found) == ["c", "a", "b"]
    for bank, row in found.items():
        points, asked, few = by_loop(made.run, bank)
        assert (row["picked"] or 0, row["asked"]) == (points, asked)
        assert sorted(row["too_few"]) == sorted(few)
    assert found["a"]["asked"] == 36 + 12 + 1
    assert 0.5 < found["a"]["rate"] < 1
    assert found["a"]["rate"] == found["a"]["picked"] / found["a"]["asked"]


def test_classes_with_few_labels_are_named_and_not_asked(made: Planted) -> None:
    found = {row["bank"]: row for row in label_exam(made.run).iter_rows(named=True)}
    assert found["a"]["too_few"] == ["suppression"]
    labelled = exam.labels(made.run).filter(bank="a")
    assert labelled.filter(pl.col("class") == "suppression").height == 9
    assert found["a"]["asked"] < found["a"]["labelled"]
    assert (found["b"]["labelled"], found["b"]["asked"]) == (4, 0)
    assert (found["b"]["picked"], found["b"]["rate"]) == (None, None)
    assert found["b"]["too_few"]
    assert (found["c"]["labelled"], found["c"]["too_few"]) == (0, [])


def test_only_what_a_partition_splits_has_no_sign(made: Planted) -> None:
    labels = exam.labels(made.run)
    names = made.run.tested_sets["name"]
    seen = set()
    for row in labels.iter_rows(named=True):
        parts = made.run.explain(f"{row['bank']}/{row['index']}")["parts"]
        z = {part["token_set"]: part["z"] for part in parts}
        for number, sign in zip(row["sets"], row["signs"], strict=True):
            name = names[number]
            splits = name == "even" and row["class"] == "partition"
            assert sign == (0 if splits else np.sign(z[name]))
            seen.add((name == "even", sign))
    assert seen == {(True, 0), (True, 1), (False, 1), (False, -1)}


def test_labels_of_others_pick_no_more_than_chance(
    made: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = label_exam(made.run)["rate"][1]
    known = exam.labels(made.run)
    moved = known.with_columns(
        pl.col("sets", "signs").shift(7).over("bank", "class").fill_null(strategy="backward")
    )
    monkeypatch.setattr(exam, "labels", lambda run: moved)
    wrong = label_exam(made.run)["rate"][1]
    assert wrong < 0.2 < 0.5 < right


def test_of_many_labels_some_are_asked(made: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = label_exam(made.run).row(1, named=True)
    monkeypatch.setattr(exam, "MOST_ASKED", 20)
    some = label_exam(made.run).row(1, named=True)
    assert (some["labelled"], some["asked"]) == (whole["labelled"], 20)
    assert 0 < some["picked"] <= 20
    assert some["rate"] == some["picked"] / 20


def test_a_run_without_classes_has_no_exam(plain: Planted) -> None:
    with pytest.raises(QueryError, match="no classes"):
        label_exam(plain.run)
