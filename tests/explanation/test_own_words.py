"""A feature's own words: told where they belong together, and else what random directions do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from tests.planted import Planted, Planting, bank_of, planted_run
from unembed import EnrichmentSettings, SweepSettings
from unembed.explanation.own_words import MAX_P
from unembed.explanation.wording import AS_RANDOM
from unembed.store.enrichment import read_null

N, D, COUNT = 4000, 144, 1200
FIELDS, SIZE, LOOSE = 8, 24, 8
"""Fields of words that no token set holds; and lists of words that have nothing in common."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """Features 0 to 7 promote a field, 8 to 15 suppress one, 16 to 23 promote a loose list."""
    random = torch.Generator().manual_seed(7)
    W_U = torch.randn(N, D, generator=random)
    W_U += 0.5 * torch.randn(N // 10, D, generator=random).repeat_interleave(10, 0)
    for field in range(FIELDS):
        W_U[SIZE * field : SIZE * (field + 1)] += 0.8 * torch.randn(D, generator=random)
    planting = Planting(W_U, name="fields")
    planting.token_set("elsewhere", range(3000, 3030))
    unembedding = planting.unembedding
    inverse = torch.linalg.inv(unembedding.covariance).float()
    fields = [unembedding.W_U[SIZE * at : SIZE * (at + 1)].mean(0) for at in range(FIELDS)]
    loose = [
        unembedding.W_U[torch.randperm(2000, generator=random)[:6] + 1000].mean(0)
        for _ in range(LOOSE)
    ]
    planted = torch.stack([*fields, *(-row for row in fields), *loose]) @ inverse
    rows = torch.randn(COUNT, D, generator=random)
    scale = (rows @ unembedding.root).norm(dim=1).mean() / (planted @ unembedding.root).norm(dim=1)
    bank = bank_of("bank", rows, dict(enumerate(planted * scale[:, None])))
    folder: Path = tmp_path_factory.mktemp("own") / "run"
    settings = EnrichmentSettings(directions=1000, tsea="none")
    return planted_run(folder, unembedding, [bank], planting.sets, enrichment=settings)


def test_fields_that_no_set_holds_are_told_by_their_words(made: Planted) -> None:
    labels = made.run.features["label"].to_list()
    for field in range(FIELDS):
        members = {f"t{token}" for token in range(SIZE * field, SIZE * (field + 1))}
        for feature, verb in ((field, "promotes"), (FIELDS + field, "suppresses")):
            start, chance = labels[feature].split(" (cohesion p ")
            words = start.removeprefix(f"its own words: {verb} ").split(" / ")
            assert len(words) == 5
            assert set(words) <= members
            assert float(chance.removesuffix(")")) <= MAX_P


def test_words_with_nothing_in_common_are_not_told(made: Planted) -> None:
    loose = made.run.features[2 * FIELDS : 2 * FIELDS + LOOSE]
    assert set(loose["class"]) == {"prediction"}
    chances = loose["log10_p_words_top"].to_numpy()
    assert (chances > np.log10(MAX_P)).all()
    assert loose["label"].str.starts_with(f"{AS_RANDOM}; top tokens ").all()


def test_random_directions_are_as_good_as_never_told(made: Planted) -> None:
    others = made.run.features[2 * FIELDS + LOOSE :]
    assert others["label"].str.starts_with("its own").sum() <= MAX_P * others.height
    asked = pl.col("log10_p_words_top").is_not_null() | pl.col("log10_p_words_bottom").is_not_null()
    assert 1 <= others.filter(asked).height == others.filter(pl.col("class") != "diffuse").height


def test_a_case_has_the_words_at_the_end_that_was_asked(made: Planted) -> None:
    promotes, suppresses = (made.run.explain(f"bank/{at}") for at in (2, FIELDS + 2))
    members = {f" t{token}" for token in range(2 * SIZE, 3 * SIZE)}
    assert set(promotes["words_top"]) <= members
    assert len(promotes["words_top"]) >= 5
    assert promotes["words_bottom"] is promotes["log10_p_words_bottom"] is None
    assert set(suppresses["words_bottom"]) <= members
    assert suppresses["words_top"] is None
    outermost = made.run.feature("bank/2")["top_tokens"]
    assert promotes["words_top"] == [word for word in outermost if word in promotes["words_top"]]
    assert 1 <= promotes["tail_tokens_top"] <= SIZE


def test_tiles_change_no_bit_of_it(made: Planted, tmp_path: Path) -> None:
    again = planted_run(
        tmp_path / "run", made.unembedding, [*made.banks.values()], made.sets,
        enrichment=EnrichmentSettings(directions=1000, tsea="none"),
        settings=SweepSettings(tile=128),
    )  # fmt: skip
    columns = ["label", "tail_tokens_top", "log10_p_words_top", "log10_p_words_bottom"]
    assert again.run.features[columns].equals(made.run.features[columns])
    nulls = [read_null(run.path, "bank") for run in (made.run, again.run)]
    assert nulls[0] is not None
    assert nulls[1] is not None
    assert nulls[0].cohesion.shape == (1000, 2)
    assert np.array_equal(nulls[0].cohesion, nulls[1].cohesion)
