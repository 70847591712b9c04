"""TSEA where tokens are tied by identical rows: by SciPy's U, by plain steps, by symmetry."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from unembed import Sweep, SweepSettings, Vocabulary, prepare_unembedding
from unembed.enrichment.running_sum import running_sum
from unembed.sweep.settings import WEIGHTS, Weight
from unembed.sweep.tsea import Membership, TseaReadings, accelerator, cpu
from unembed.sweep.tsea.membership import DENSE, MARKED
from unembed.sweep.tsea.readings import normal_scores
from unembed.ties import NO_TIES, Ties, ties_of

N = DENSE + 1077
GROUPS = (2, 3, 70, 700, 2000)
"""Smaller and larger than a word of bits, and most of a set of many members."""


def tied(n: int, sizes: tuple[int, ...], seed: int = 0) -> Ties:
    """Ties of some of n rows, anywhere among them."""
    row = np.arange(n, dtype=np.float32)
    parts = np.split(np.random.default_rng(seed).permutation(n), np.cumsum(sizes))[:-1]
    for part in parts:
        row[part] = row[part[0]]
    return ties_of(row[:, None])


def groups_of(ties: Ties) -> list[np.ndarray]:
    return np.split(ties.rows, ties.indptr[1:-1]) if len(ties) else []


def weights(n: int, ties: Ties, rows: int = 4, seed: int = 0, coarse: bool = False) -> np.ndarray:
    """Weights of which a group's are equal; coarse ones equal those of other rows, too."""
    random = np.random.default_rng(seed)
    z = random.standard_normal((rows, n))
    z = (np.round(z) if coarse else z).astype(np.float32)
    for members in groups_of(ties):
        z[:, members] = z[:, members[:1]]
    return z


def membership(sets: list[np.ndarray], n: int, ties: Ties) -> Membership:
    indptr = np.concatenate([[0], np.cumsum([len(each) for each in sets])]).astype(np.int64)
    rows = np.concatenate([np.sort(each) for each in sets]).astype(np.int32)
    return Membership(n, indptr, rows, ties)


def any_sets(n: int, ties: Ties, seed: int = 0) -> list[np.ndarray]:
    """Sets for every way of reading, which part groups, hold whole ones, or none of any."""
    random = np.random.default_rng(seed)
    sizes = [1, 2, 5, 31, 33, 64, 300, MARKED, 1000, DENSE - 1, DENSE, DENSE + 900, n - 1]
    found = [random.choice(n, size, replace=False) for size in sizes if size < n] * 2
    free = np.setdiff1d(np.arange(n), ties.rows)
    found += [members for members in groups_of(ties) if len(members) < n]
    found += [members[::2] for members in groups_of(ties)]
    return [*found, free[:40], free, np.append(ties.rows, free[:9])]


def by_blocks(
    z: np.ndarray, members: np.ndarray, ties: Ties, weight: Weight
) -> tuple[float, int, list[float], list[int]]:
    """The running sum by its definition, block by block, in whole numbers where hits weigh alike.

    Returns:
        ES, peak, and the sum after each block with how many tokens that is.
    """
    n, m = len(z), len(members)
    first = {int(row): int(group[0]) for group in groups_of(ties) for row in group}
    ranking = sorted(range(n), key=lambda row: (-float(z[row]), first.get(row, row), row))
    owner = np.array([first.get(row, row) for row in ranking])
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    size = np.diff(begins, append=n)
    hits = np.add.reduceat(np.isin(ranking, members), begins, dtype=np.int64)
    if weight == "none":
        steps, whole = hits * (n - m) - (size - hits) * m, m * (n - m)
    else:
        scores = normal_scores(n) if weight == "normal-scores" else np.abs(z[ranking], dtype=float)
        gains = hits * np.add.reduceat(scores, begins) / size
        gains = gains if gains.sum() else hits
        steps, whole = gains / gains.sum() - (size - hits) / (n - m), 1
    heights = np.append(0, np.cumsum(steps)) / whole
    es = heights.max() if heights.max() >= -heights.min() else heights.min()
    places = np.append(begins, n)
    return float(es), int(places[list(heights).index(es)]), heights.tolist(), places.tolist()


def read(z: np.ndarray, sets: Membership, weight: Weight, reader: str) -> TseaReadings:
    if reader == "cpu":
        return cpu.read_tile(z, sets, weight)
    return accelerator.read_tile(torch.from_numpy(z), sets, weight)


@pytest.mark.parametrize("reader", ["cpu", "torch"])
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("coarse", [False, True])
def test_against_plain_steps(reader: str, weight: Weight, coarse: bool) -> None:
    ties = tied(N, GROUPS)
    z, sets = weights(N, ties, rows=2, coarse=coarse), any_sets(N, ties)
    found = read(z, membership(sets, N, ties), weight, reader)
    for row in range(len(z)):
        for s, members in enumerate(sets):
            es, peak, heights, places = by_blocks(z[row], members, ties, weight)
            assert found.es[row, s] == pytest.approx(es, abs=1e-9)
            if weight == "none":
                assert found.peak[row, s] == peak
            else:  # of heights that rounding cannot tell apart, either
                assert heights[places.index(found.peak[row, s])] == pytest.approx(es, abs=1e-9)


@pytest.mark.parametrize("reader", ["cpu", "torch"])
def test_auroc_is_mann_whitneys_u(reader: str) -> None:
    """SciPy gives middle ranks to what is equal: here groups alone are."""
    ties = tied(N, GROUPS)
    z, sets = weights(N, ties, rows=2), any_sets(N, ties)
    rank = np.stack([np.unique(each, return_inverse=True)[1] for each in z])
    free = np.setdiff1d(np.arange(N), ties.rows)
    order = [np.lexsort((free, -each[free])) for each in z]
    found = read(z, membership(sets, N, ties), "none", reader).auroc
    for row in range(len(z)):
        key = rank[row] * float(N)  # equal by rounding: told apart, by id, as rankings do
        key[free[order[row]]] -= np.arange(len(free)) / N
        assert len(np.unique(key)) == N - len(ties) + len(GROUPS)
        for s, members in enumerate(sets):
            inside = np.isin(np.arange(N), members)
            u = mannwhitneyu(key[inside], key[~inside], method="asymptotic").statistic
            pairs = inside.sum() * (~inside).sum()
            assert found[row, s] == pytest.approx(u / pairs, abs=1e-12)


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("coarse", [False, True])
def test_the_readers_agree(weight: Weight, coarse: bool) -> None:
    """Whole tiles and single pairs, on the CPU and by torch, and the curve that is drawn."""
    ties = tied(N, GROUPS, seed=3)
    z, sets = weights(N, ties, coarse=coarse, seed=5), any_sets(N, ties, seed=1)
    every = membership(sets, N, ties)
    whole = read(z, every, weight, "cpu")
    few = np.random.default_rng(0).random(whole.es.shape) < np.array([[0.05], [0.4], [1], [0]])
    few[0, :4] = True
    row, token_set = np.nonzero(few)
    others = {
        "torch": read(z, every, weight, "torch"),
        "pairs": cpu.read_pairs(z, row, token_set, every, weight),
        "pairs of torch": accelerator.read_pairs(
            torch.from_numpy(z), row, token_set, every, weight
        ),
    }
    for name, found in others.items():
        expected = whole if name == "torch" else TseaReadings(*(each[few] for each in whole))
        np.testing.assert_array_equal(found.auroc, expected.auroc)
        if weight == "none" or name == "pairs":
            np.testing.assert_array_equal(found.es, expected.es)
            np.testing.assert_array_equal(found.peak, expected.peak)
        else:
            np.testing.assert_allclose(found.es, expected.es, rtol=0, atol=1e-10)
    for at in range(len(z)):
        for s, members in enumerate(sets):
            curve = running_sum(z[at], np.sort(members), weight, ties)
            assert (curve.es, curve.peak) == (whole.es[at, s], whole.peak[at, s])


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_few_tokens_of_which_most_are_tied(data: st.DataObject) -> None:
    """Any groups, whose weights may meet; each reader, the curve and its leading edge."""
    n = data.draw(st.integers(2, 40))
    group = data.draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    row = np.array([each if each < 4 else 100 + at for at, each in enumerate(group)], np.float32)
    ties = ties_of(row[:, None])
    z = np.array([[data.draw(st.integers(-3, 3)) for _ in range(n)]], np.float32)
    for members in groups_of(ties):
        z[:, members] = z[:, members[:1]]
    chosen = data.draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=n - 1))
    members, weight = np.array(sorted(chosen)), data.draw(st.sampled_from(WEIGHTS))
    es, peak, heights, places = by_blocks(z[0], members, ties, weight)
    curve = running_sum(z[0], members, weight, ties)
    np.testing.assert_allclose(np.interp(places, curve.places, curve.heights), heights, atol=1e-9)
    assert set(curve.places.tolist()) <= set(places)
    side = curve.ranks <= curve.peak if curve.es > 0 else curve.ranks > curve.peak
    assert curve.in_leading_edge.tolist() == (side & (curve.es != 0)).tolist()
    for reader in ("cpu", "torch"):
        found = read(z, membership([members], n, ties), weight, reader)
        if weight == "none":
            assert (found.es[0, 0], found.peak[0, 0]) == (es, peak) == (curve.es, curve.peak)
        else:
            assert found.es[0, 0] == pytest.approx(es, abs=1e-9) or (
                found.es[0, 0] == pytest.approx(-es, abs=1e-9)  # both ends are as far
            )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(WEIGHTS), st.booleans())
def test_which_tokens_of_a_group_changes_nothing(seed: int, weight: Weight, coarse: bool) -> None:
    """Ids change places within a group, so that two sets with as many of each are read alike."""
    random = np.random.default_rng(seed)
    ties = tied(600, (2, 5, 80, 150), seed)
    z = weights(600, ties, seed=seed, coarse=coarse)
    sets = [random.choice(600, size, replace=False) for size in (1, 12, 60, 300, 450)]
    other = np.arange(600)
    for members in groups_of(ties):
        other[members] = random.permutation(members)
    for reader in ("cpu", "torch"):
        one, two = (
            read(z, membership(each, 600, ties), weight, reader)
            for each in (sets, [other[members] for members in sets])
        )
        for value, same in zip(one, two, strict=True):
            np.testing.assert_array_equal(value, same)


def test_ids_decide_where_ties_are_not_known() -> None:
    """What this is about: 80 equal rows, of which a set holds 20, the first or the last."""
    ties = tied(1000, (80,))
    z = weights(1000, ties)
    z[:, ties.rows] = 0.5
    low, high = (ties.rows[:20], ties.rows[-20:])
    unknown = cpu.read_tile(z, membership([low, high], 1000, NO_TIES))
    known = cpu.read_tile(z, membership([low, high], 1000, ties))
    assert (np.abs(np.diff(unknown.auroc)) > 0.05).all()
    assert (np.abs(np.diff(unknown.es)) > 0.05).all()
    for values in known:
        np.testing.assert_array_equal(values[:, 0], values[:, 1])


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("device", ["cpu", "torch"])
@pytest.mark.parametrize("sizes", [(), (2, 9, 120)])
def test_the_opposite_feature_has_the_opposite_scores(
    weight: Weight, device: str, sizes: tuple[int, ...]
) -> None:
    """Through the sweep, with and without identical rows."""
    random, n = np.random.default_rng(4), 500
    W_U = torch.from_numpy(random.standard_normal((n, 24)).astype(np.float32))
    for members in np.split(random.permutation(n), np.cumsum(sizes))[:-1]:
        W_U[members] = W_U[members[0]].clone()
    unembedding = prepare_unembedding(W_U, Vocabulary.from_texts([f"t{i}" for i in range(n)]))
    assert len(unembedding.ties) == sum(sizes)
    sweep = Sweep(unembedding, SweepSettings())
    some = [each for each in any_sets(n, unembedding.ties) if len(each) < n]
    sets = membership(some, n, unembedding.ties)
    W_dec = torch.randn(20, 24, generator=torch.Generator().manual_seed(0))
    up, down = [], []
    for sign, into in ((1, up), (-1, down)):
        for tile in sweep.tiles(sign * W_dec):
            distinct = [len(np.unique(each)) for each in tile.z.numpy()]
            assert set(distinct) == {n - sum(sizes) + len(sizes)}  # no rounding ties
            reader = accelerator.read_tile if device == "torch" else cpu.read_tile
            z = tile.z if device == "torch" else tile.z.numpy()
            into.append(reader(z, sets, weight))
            if device == "cpu":
                same = sweep.tsea(tile, sets, weight)
                np.testing.assert_array_equal(same.es, into[-1].es)
    (one,), (other,) = up, down
    pairs = sets.sizes * (n - sets.sizes)
    u, v = (each.auroc * pairs for each in (one, other))
    np.testing.assert_allclose(u, (2 * u).round() / 2, atol=1e-8)  # whole pairs, and halves
    np.testing.assert_array_equal((2 * u).round() + (2 * v).round(), np.tile(2 * pairs, (20, 1)))
    both = one.es == other.es  # as far up as down: + for both
    assert both.mean() < 0.01
    if weight == "none":
        np.testing.assert_array_equal(one.es[~both], -other.es[~both])
    else:
        np.testing.assert_allclose(one.es[~both], -other.es[~both], rtol=0, atol=1e-9)


def test_the_sweep_knows_ties_that_its_sets_do_not() -> None:
    """Sets made without them are read as those that were made with them."""
    random = np.random.default_rng(0)
    W_U = torch.from_numpy(random.standard_normal((300, 12)).astype(np.float32))
    W_U[50:130] = W_U[50].clone()
    unembedding = prepare_unembedding(W_U, Vocabulary.from_texts([f"t{i}" for i in range(300)]))
    sweep, sets = Sweep(unembedding), [np.arange(60), np.arange(100, 140)]
    tile = next(sweep.tiles(torch.randn(5, 12, generator=torch.Generator().manual_seed(0))))
    one, other = (
        sweep.tsea(tile, membership(sets, 300, ties)) for ties in (NO_TIES, unembedding.ties)
    )
    np.testing.assert_array_equal(one.es, other.es)
    assert membership(sets, 300, unembedding.ties).of_sets(np.array([1])).ties is unembedding.ties
    row, token_set = np.array([0, 0, 3]), np.array([0, 1, 1])
    for ties in (NO_TIES, unembedding.ties):
        found = sweep.tsea_of(tile, row, token_set, membership(sets, 300, ties))
        np.testing.assert_array_equal(found.es, one.es[row, token_set])
