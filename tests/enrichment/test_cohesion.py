"""Cohesion: against a plain count of linked words, and against fresh random directions."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.stats import ortho_group

from unembed import Features, Sweep, Unembedding, Vocabulary, prepare_unembedding
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment.cohesion import WORDS, WordCohesion, linked, log10_p, whitening
from unembed.enrichment.direction_simulation import simulate
from unembed.enrichment.effects import effects_of
from unembed.tokensets import TokenSets

N, D = 3000, 144
LEAST, NEAR = 3 / D**0.5, 0.5
HERD = np.arange(100, 130)
"""Tokens of one kind, near one another but for a few directions in which all tokens vary."""


@pytest.fixture(scope="module")
def unembedding() -> Unembedding:
    """Rows in families of ten, as the words of a language are."""
    random = torch.Generator().manual_seed(3)
    W_U = torch.randn(N, D, generator=random)
    W_U += 0.7 * torch.randn(N // 10, D, generator=random).repeat_interleave(10, 0)
    W_U[HERD] += torch.randn(D, generator=random)
    W_U[:, :3] *= 30
    return prepare_unembedding(
        W_U, Vocabulary.from_texts([f"t{i}" for i in range(N)], special=[0]), name="m"
    )


def cohesion_of(unembedding: Unembedding, words: np.ndarray) -> WordCohesion:
    return WordCohesion(unembedding, words, unembedding.covariance, torch.device("cpu"))


@pytest.fixture(scope="module")
def cohesion(unembedding: Unembedding) -> WordCohesion:
    return cohesion_of(unembedding, np.arange(N) // 2)  # two tokens a word


def naive(cosines: np.ndarray, least: float, near: float) -> float:
    """The mean size of the largest linked group, by going through many cut-offs one by one."""
    cuts = least + (near - least) * (np.arange(4000) + 0.5) / 4000
    sizes = []
    for cut in cuts:
        graph = networkx.Graph()
        graph.add_nodes_from(range(len(cosines)))
        graph.add_edges_from(zip(*np.nonzero(np.triu(cosines >= cut, 1)), strict=True))
        sizes.append(max(map(len, networkx.connected_components(graph))))
    return float(np.mean(sizes)) - 1


def random_cosines(seed: int, count: int = 9) -> np.ndarray:
    random = np.random.default_rng(seed)
    rows = random.standard_normal((count, 24)) + random.random() * random.standard_normal(24)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found: np.ndarray = rows @ rows.T
    return found


@pytest.mark.parametrize("seed", range(8))
def test_linked_is_the_mean_size_of_the_largest_group(seed: int) -> None:
    cosines = random_cosines(seed)
    found = linked(cosines, 0.1, 0.5, np.zeros(len(cosines), np.bool_)) / 0.4
    assert found == pytest.approx(naive(cosines, 0.1, 0.5), abs=0.01)


def test_the_group_is_the_words_that_hang_together() -> None:
    cosines = np.eye(7)
    for i, j, cosine in ((1, 2, 0.3), (2, 4, 0.25), (0, 3, 0.9), (4, 6, 0.12)):
        cosines[i, j] = cosines[j, i] = cosine
    grouped = np.zeros(9, np.bool_)
    linked(cosines, 0.1, 0.5, grouped)
    assert np.flatnonzero(grouped).tolist() == [1, 2, 4]  # two, however near, are no group
    lone = np.zeros(7, np.bool_)
    assert linked(np.eye(7), 0.1, 0.5, lone) == 0
    assert not lone.any()


def test_all_linked_throughout_is_one(cohesion: WordCohesion, unembedding: Unembedding) -> None:
    rows = torch.from_numpy(np.tile(unembedding.W_U[:1].numpy(), (2 * WORDS, 1)))
    alike = Unembedding(
        rows, np.arange(2 * WORDS), Vocabulary.from_texts(list(map(str, range(2 * WORDS)))),
        unembedding.mean_row, "logit", "alike",
    )  # fmt: skip
    one = WordCohesion(alike, np.arange(2 * WORDS), unembedding.covariance, torch.device("cpu")).of(
        np.arange(2 * WORDS, dtype=np.int32)[None]
    )
    assert one.values[0] == pytest.approx(1)
    assert one.grouped.all()


def test_whitened_rows_are_alike_in_every_direction(unembedding: Unembedding) -> None:
    W_U = unembedding.W_U.double()
    white = (W_U @ whitening(unembedding.covariance)).numpy()
    assert white.T @ white / len(white) == pytest.approx(np.eye(D), abs=1e-3)
    singular = unembedding.covariance.clone()
    singular[:, 0] = singular[0] = 0
    assert torch.isfinite(whitening(singular)).all()


def test_values_are_those_of_the_whitened_cosines_of_distinct_words(
    cohesion: WordCohesion, unembedding: Unembedding
) -> None:
    random = np.random.default_rng(1)
    herd = random.permutation(HERD)
    lists = np.stack([
        np.concatenate([herd[:12], random.permutation(np.arange(1000, 1038))]),
        random.permutation(np.arange(1, N))[:50],
        np.repeat(np.arange(2, 27), 2),
    ]).astype(np.int32)  # fmt: skip
    found = cohesion.of(lists)
    inverse = np.linalg.inv(np.real(sqrtm(unembedding.covariance.numpy())))
    white = unembedding.W_U.double().numpy() @ inverse
    white /= np.linalg.norm(white, axis=1, keepdims=True)
    for ids, tokens, value in zip(lists, found.tokens, found.values, strict=True):
        first: dict[int, int] = {}
        for token in ids.tolist():
            first.setdefault(token // 2, token)
        expected = list(first.values())[:WORDS]
        assert tokens.tolist() == expected + [-1] * (WORDS - len(expected))
        rows = white[np.searchsorted(unembedding.token_ids, expected)]
        assert value * (WORDS - 1) == pytest.approx(naive(rows @ rows.T, LEAST, NEAR), abs=0.02)
    assert found.values[0] > 0.1 > found.values[1]
    assert set(found.tokens[0][found.grouped[0]]) <= set(HERD.tolist())


def test_a_turned_unembedding_has_the_same_cohesion(unembedding: Unembedding) -> None:
    turn = torch.from_numpy(ortho_group.rvs(D, random_state=4)).float()
    texts = [unembedding.vocabulary.texts[token] for token in unembedding.token_ids]
    vocabulary = Vocabulary.from_texts(texts)
    turned = prepare_unembedding(unembedding.W_U @ turn, vocabulary, name="turned")
    ids = np.stack([HERD, np.arange(200, 230)]).astype(np.int32)
    before = cohesion_of(unembedding, np.arange(N)).of(ids)
    after = cohesion_of(turned, np.arange(N - 1)).of(ids - 1)  # without the special token
    assert after.values == pytest.approx(before.values, abs=1e-4)


def test_p_counts_those_that_reach_a_value_itself_among_them() -> None:
    null = np.array([0.3, 0.1, 0.2, 0.2])
    found = 10 ** log10_p(np.array([0.0, 0.2, 0.25, 0.4]), null)
    assert found == pytest.approx([5 / 5, 4 / 5, 2 / 5, 1 / 5])


@pytest.fixture(scope="module")
def test_of_bank(unembedding: Unembedding) -> DirectionTest:
    random = torch.Generator().manual_seed(5)
    bank = Features.from_array(torch.randn(900, D, generator=random) * torch.linspace(0.3, 2, D))
    sets = TokenSets.from_ids({"some": range(30, 60)}, unembedding.vocabulary)
    return DirectionTest(Sweep(unembedding), effects_of(sets, unembedding), SecondMoment.of(bank))


def test_p_of_fresh_random_directions_is_uniform(test_of_bank: DirectionTest) -> None:
    unembedding = test_of_bank.sweep.unembedding
    cohesion = cohesion_of(unembedding, np.arange(N))
    null = simulate(test_of_bank, None, 1000, 1, "none", cohesion=cohesion).cohesion
    assert null.shape == (1000, 2)
    fresh = test_of_bank.sweep.read(test_of_bank.moment.draw(1500, 9))
    found = 10 ** log10_p(cohesion.of(fresh.top_ids).values, null.ravel())
    for level in (0.005, 0.01, 0.05, 0.1, 0.3, 0.6, 0.9):
        sd = (level * (1 - level) * (1 / len(found) + 1 / null.size)) ** 0.5
        assert (found <= level).mean() == pytest.approx(level, abs=3 * sd)


def test_what_is_planted_is_told_from_random_directions(test_of_bank: DirectionTest) -> None:
    unembedding = test_of_bank.sweep.unembedding
    cohesion = cohesion_of(unembedding, np.arange(N))
    null = simulate(test_of_bank, None, 1000, 1, "none", cohesion=cohesion).cohesion.ravel()
    rows = np.searchsorted(unembedding.token_ids, HERD)
    inverse = torch.linalg.inv(unembedding.covariance).float()
    planted = unembedding.W_U[rows].mean(0) @ inverse
    read = test_of_bank.sweep.read(torch.stack([planted, -planted]))
    assert np.isin(read.top_ids[0, :WORDS], HERD).all()
    p = 10 ** log10_p(cohesion.of(np.stack([read.top_ids[0], read.bottom_ids[1]])).values, null)
    assert p == pytest.approx([1 / 2001] * 2)
    assert 10 ** log10_p(cohesion.of(read.bottom_ids[:1]).values, null) > 0.01


def test_each_list_is_what_it_is_alone_and_what_it_is_with_many(cohesion: WordCohesion) -> None:
    random = np.random.default_rng(8)
    ids = np.array([random.permutation(60)[:40] + 70 * at + 1 for at in range(11)], np.int32)
    ids[9] = ids[9, 0]  # one word alone, among families
    together = cohesion.each(ids)
    assert np.unique(together.values).size > 5
    for at in range(len(ids)):
        for alone in (cohesion.each(ids[at : at + 1]), cohesion.each(ids[: at + 1])):
            assert alone.values[-1] == together.values[at]
            np.testing.assert_array_equal(alone.grouped[-1], together.grouped[at])
            np.testing.assert_array_equal(alone.tokens[-1], together.tokens[at])
    at_once = cohesion.of(ids)
    np.testing.assert_allclose(at_once.values, together.values, rtol=1e-5)
    np.testing.assert_array_equal(at_once.grouped, together.grouped)
