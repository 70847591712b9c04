"""Classes by the rules of others: told anew, a feature at a time, from whole matrices by SciPy."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import kurtosis, skew

from tests.planted import FEW, Planted, Planting, bank_of, planted_run
from unembed import Features
from unembed.errors import QueryError
from unembed.questions import post_class, published_classes, universal_class
from unembed.questions.published_classes import KURTOSIS_ABOVE, VARIANCE_ABOVE, WIDTH
from unembed.unembedding import Lens

N, D = 1500, 64


def model(lens: Lens) -> Planting:
    """Half of the tokens lie along one direction, a tenth of these further; few along another."""
    random = torch.Generator().manual_seed(0)
    axis, other, third = torch.linalg.qr(torch.randn(D, 3, generator=random)).Q.T
    made = Planting(torch.randn(N, D, generator=random), lens=lens)
    made.token_set("half", range(N // 2), along=4 * axis)
    made.token_set("tenth", range(N // 10), along=4 * axis)
    made.token_set("few", range(1400, 1416), along=13 * other)
    made.token_set("other few", range(1420, 1440), along=6 * third)
    return made


def features(made: Planting) -> Features:
    random = torch.Generator().manual_seed(1)
    half, few, some = (made.mean(name) for name in ("half", "few", "other few"))
    doing = {
        0: half, 1: -half, 2: few, 3: -few, 4: torch.zeros(D), 5: some, 6: -some,
    }  # fmt: skip
    return bank_of("bank", torch.randn(200, D, generator=random), doing, layer=1)


def run_of(folder: Path, lens: Lens) -> Planted:
    made = model(lens)
    sets = made.sets if lens == "logit" else None
    bank = features(model("logit"))
    return planted_run(folder / lens, made.unembedding, [bank], sets, enrichment=FEW)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Planted, Planted]:
    folder = tmp_path_factory.mktemp("classes")
    return run_of(folder, "logit"), run_of(folder, "cosine")


def cosines(made: Planted) -> np.ndarray:
    """[F, n] of the features with the centred rows of W_U, of any length; NaN for zeros."""
    W_U = made.unembedding.W_U.double().numpy()
    W_dec = made.banks["bank"].W_dec.double().numpy()
    W_U = W_U / np.linalg.norm(W_U, axis=1, keepdims=True)
    length = np.linalg.norm(W_dec, axis=1, keepdims=True)
    return (W_dec / np.where(length == 0, np.nan, length)) @ W_U.T


def reduced(weights: np.ndarray, members: int) -> float:
    """By which share the variance is less within the first tokens and within the others."""
    parts = weights[:members], weights[members:]
    return 1 - sum(len(part) * part.var() for part in parts) / len(weights) / weights.var()


def by_the_post(weights: np.ndarray, row: dict[str, float]) -> str | None:
    broad = {"half": N // 2, "tenth": N // 10, None: 0}[row["partition_set"]]  # type: ignore[index]
    if broad and reduced(weights, broad) >= 0.1:
        return "suppression" if skew(weights) < row["skewness_below"] else "partition"
    long = skew(weights) > row["skewness_above"]
    heavy = kurtosis(weights, fisher=False) > row["kurtosis_above"]
    return "prediction" if long and heavy else None


def by_universal_neurons(angles: np.ndarray, limit: float) -> str | None:
    if kurtosis(angles, fisher=False) > KURTOSIS_ABOVE:
        return "suppression" if skew(angles) < 0 else "prediction"
    return "partition" if angles.var() > limit else None


def test_every_feature_is_classed_by_each_rule(both: tuple[Planted, Planted]) -> None:
    made, of_cosines = both
    found = published_classes(made.run, of_cosines.run)
    logits, angles = made.logits("bank"), cosines(made)
    for row, theirs in zip(
        made.run.features.iter_rows(named=True), found.iter_rows(named=True), strict=True
    ):
        at = row["index"]
        assert (theirs["feature"], theirs["class"]) == (f"bank/{at}", row["class"])
        if at == 4:
            assert {theirs[name] for name in found.columns[4:]} == {None}
            continue
        heavy = kurtosis(logits[at], fisher=False) > row["kurtosis_above"]
        side = "suppression" if skew(logits[at]) < 0 else "prediction"
        limit = VARIANCE_ABOVE * WIDTH / D
        assert theirs["post"] == by_the_post(logits[at], row)
        assert theirs["signed_kurtosis"] == (side if heavy else None)
        assert theirs["universal"] == by_universal_neurons(angles[at], VARIANCE_ABOVE)
        assert theirs["universal_by_width"] == by_universal_neurons(angles[at], limit)


def test_what_is_planted_is_of_every_class(both: tuple[Planted, Planted]) -> None:
    """So that the comparison above has something of each to compare."""
    found = published_classes(*(each.run for each in both))
    planted = {name: found[name].head(7).to_list() for name in found.columns[4:]}
    assert planted["post"][:3] == ["partition", "suppression", "prediction"]
    assert planted["signed_kurtosis"][2:4] == ["prediction", "suppression"]
    assert planted["universal_by_width"][:4] == [
        "partition", "partition", "prediction", "suppression"
    ]  # fmt: skip
    assert Counter(found["universal"])["partition"] > 150, "that limit is not for such a width"
    assert Counter(found["universal_by_width"])[None] > 150


def test_limits_are_beyond_not_at() -> None:
    at, past = np.array([10.0]), np.nextafter(10, 11, dtype=float)[None]
    zero, variance = np.zeros(1), np.array([VARIANCE_ABOVE])
    assert universal_class(zero, at, variance).tolist() == [""]
    assert universal_class(zero, past, variance).tolist() == ["prediction"]
    assert universal_class(-np.ones(1), past, variance).tolist() == ["suppression"]
    assert universal_class(zero, at, np.nextafter(variance, 1)).tolist() == ["partition"]


def test_a_prediction_has_both_a_long_right_tail_and_a_heavy_one() -> None:
    """And what splits the vocabulary is none, whatever its tails."""
    skewness, kurtosis_ = np.array([[0.3, 9], [0.3, 3], [-0.3, 9], [0.1, 9], [0.3, 9]]).T
    found = post_class(
        skewness, kurtosis_, splits=np.arange(5) == 4,
        skewness_within=(np.full(5, -0.2), np.full(5, 0.2)), kurtosis_above=np.full(5, 4.0),
    )  # fmt: skip
    assert found.tolist() == ["prediction", "", "", "", "partition"]


def test_mistakes(both: tuple[Planted, Planted], tiny: Planted, plain: Planted) -> None:
    run, of_cosines = (each.run for each in both)
    with pytest.raises(QueryError, match=r"of the lens 'logit'.*--lens cosine --sets none"):
        published_classes(run, run)
    with pytest.raises(QueryError, match=r"no feature 'bank/0'.*of the same features"):
        published_classes(run, plain.run)
    with pytest.raises(QueryError, match="have no classes"):
        published_classes(plain.run, of_cosines)
    assert published_classes(tiny.run, plain.run).height == tiny.run.features.height
