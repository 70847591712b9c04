"""The TSEA readers: exact against a plain loop, equal to each other, and on odd sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm

from unembed import Sweep, SweepSettings, Unembedding
from unembed.errors import TokenSetError
from unembed.sweep.settings import WEIGHTS, Weight
from unembed.sweep.tsea import Membership, TseaReadings, accelerator, cpu
from unembed.sweep.tsea.bits import transpose
from unembed.sweep.tsea.blocks import Blocks
from unembed.sweep.tsea.membership import DENSE, MARKED
from unembed.sweep.tsea.ranks import N_BUCKETS, rank_all, rank_few
from unembed.ties import NO_TIES, ties_of

N = 5003
NO_BLOCKS = Blocks.of(NO_TIES, N)


def membership(sets: list[np.ndarray], n: int = N) -> Membership:
    indptr = np.concatenate([[0], np.cumsum([len(each) for each in sets])]).astype(np.int64)
    rows = np.concatenate([np.empty(0, np.int64), *sets]).astype(np.int32)
    return Membership(n, indptr, rows)


def any_sets(n: int = N, seed: int = 0) -> list[np.ndarray]:
    """Sets of every kind of size, more than are read at once, some where the weights are."""
    random = np.random.default_rng(seed)
    small = [1, 1, 2, 3, 5, 8, 13, 17, 31, 32, 33, 64, 100, 127, 300, MARKED, 1000, DENSE - 1]
    large = [DENSE, 4500, 4700, n - 64, n - 3, n - 2, n - 1]
    sizes = [size for size in small * 2 + large * 11 if size < n]
    return [np.sort(random.choice(n, size, replace=False)) for size in sizes]


def weights_of(kind: str, sets: list[np.ndarray], n: int = N) -> np.ndarray:
    random = np.random.default_rng(1)
    z = {
        "normal": random.standard_normal((5, n)),
        "ties": random.integers(-3, 4, (5, n)) / 2,
        "constant": np.zeros((2, n)),
        "negative zero": np.where(random.random((2, n)) < 0.5, -0.0, 0.0),
        "huge": random.standard_cauchy((3, n)) * 1e30,
    }[kind]
    if kind == "normal":  # broad and tight sets that are promoted or suppressed
        z[1, sets[-8]] += 1.5
        z[2, sets[14]] -= 2.0
        z[3, sets[3]] += 8.0
        z[4] = np.linspace(3, -3, n)
    return z.astype(np.float32)


KINDS = ["normal", "ties", "constant", "negative zero", "huge"]


def by_definition(z: np.ndarray, sets: list[np.ndarray], weight: Weight) -> TseaReadings:
    """The running sum of Subramanian et al. (2005), token by token, in float64."""
    n = z.shape[1]
    es, peak, auroc = np.zeros((3, len(z), len(sets)))
    for row, values in enumerate(z):
        order = sorted(range(n), key=lambda i: (-values[i], i))
        by_rank = {
            "none": np.ones(n),
            "normal-scores": np.abs(norm.ppf((np.arange(1, n + 1) - 0.5) / n)),
            "magnitude": np.abs(values[order].astype(np.float64)),
        }[weight]
        for s, members in enumerate(sets):
            hit = np.isin(order, members)
            m = hit.sum()
            total = by_rank[hit].sum()
            if weight == "none":  # in whole numbers, so that ties are ties
                steps, whole = np.where(hit, n - m, -m), m * (n - m)
            else:
                steps = np.where(hit, by_rank / total if total > 0 else 1 / m, -1 / (n - m))
                whole = 1
            running = np.concatenate([[0], np.cumsum(steps)])
            high, low = running.argmax(), running.argmin()
            best = high if running[high] >= -running[low] - 1e-12 else low
            es[row, s], peak[row, s] = running[best] / whole, best
            above = np.cumsum(~hit)
            auroc[row, s] = 1 - above[hit].sum() / (m * (n - m))
    return TseaReadings(es, peak.astype(np.int32), auroc)


def read(z: np.ndarray, sets: Membership, weight: Weight, reader: str) -> TseaReadings:
    if reader == "cpu":
        return cpu.read_tile(z, sets, weight)
    return accelerator.read_tile(torch.from_numpy(z), sets, weight)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", ["cpu", "torch"])
def test_unweighted_is_exact(kind: str, reader: str) -> None:
    sets = any_sets()
    z = weights_of(kind, sets)
    found = read(z, membership(sets), "none", reader)
    expected = by_definition(z, sets, "none")
    np.testing.assert_allclose(found.es, expected.es, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.peak, expected.peak)
    np.testing.assert_allclose(found.auroc, expected.auroc, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["normal", "constant", "huge"])
@pytest.mark.parametrize("weight", ["normal-scores", "magnitude"])
@pytest.mark.parametrize("reader", ["cpu", "torch"])
def test_weighted_is_exact(kind: str, weight: Weight, reader: str) -> None:
    sets = any_sets()
    z = weights_of(kind, sets)
    found = read(z, membership(sets), weight, reader)
    expected = by_definition(z, sets, weight)
    np.testing.assert_allclose(found.es, expected.es, rtol=0, atol=1e-9)
    if kind != "constant":
        np.testing.assert_array_equal(found.peak, expected.peak)
    np.testing.assert_allclose(found.auroc, expected.auroc, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_readers_agree(kind: str, weight: Weight) -> None:
    sets = any_sets(seed=3)
    z = weights_of(kind, sets)
    one, other = (read(z, membership(sets), weight, reader) for reader in ("cpu", "torch"))
    if weight == "none":
        np.testing.assert_array_equal(one.es, other.es)
        np.testing.assert_array_equal(one.peak, other.peak)
        np.testing.assert_array_equal(one.auroc, other.auroc)
    else:
        np.testing.assert_allclose(one.es, other.es, rtol=0, atol=1e-10)
        np.testing.assert_allclose(one.auroc, other.auroc, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", [*KINDS, "crowded"])
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("reader", [cpu, accelerator])
def test_single_pairs_are_what_whole_tiles_have(kind: str, weight: Weight, reader: Any) -> None:
    """Whatever is quickest for a row: counting for few members, sorting for many or for crowds."""
    sets = any_sets(seed=5)
    if kind == "crowded":  # nearly all in one bucket of weights
        z = (weights_of("normal", sets) * 1e-5).astype(np.float32)
        z[:, 7] = 200
    else:
        z = weights_of(kind, sets)
    every = membership(sets)
    whole = cpu.read_tile(z, every, weight)
    random = np.random.default_rng(2)
    some = random.random(whole.es.shape) < np.array([0.02, 1, 0, 0.1, 0.3])[: len(z), None]
    some[0, :4] = True
    row, token_set = np.nonzero(some)
    tile = z if reader is cpu else torch.from_numpy(z)
    found = reader.read_pairs(tile, row, token_set, every, weight)
    np.testing.assert_allclose(found.es, whole.es[row, token_set], rtol=0, atol=1e-10)
    np.testing.assert_array_equal(found.auroc, whole.auroc[row, token_set])
    if weight == "none":
        np.testing.assert_array_equal(found.es, whole.es[row, token_set])
        np.testing.assert_array_equal(found.peak, whole.peak[row, token_set])


@pytest.mark.parametrize("reader", [cpu, accelerator])
def test_no_pairs(reader: Any) -> None:
    z = np.zeros((2, 10), np.float32)
    none = np.empty(0, np.int64)
    tile = z if reader is cpu else torch.from_numpy(z)
    assert reader.read_pairs(tile, none, none, membership([np.array([1])], 10)).es.shape == (0,)


def test_few_are_counted_as_all_are_sorted() -> None:
    random = np.random.default_rng(0)
    z = random.integers(-40, 40, 3000).astype(np.float32) / 16
    order, rank = np.empty(3000, np.int32), np.empty(3001, np.int32)
    keys, spare = np.empty(3000, np.uint64), np.empty(3000, np.uint64)
    rank_all(z.view(np.int32), NO_BLOCKS, keys, spare, order, rank)
    counted = np.full(3000, -1, np.int32)
    rows = random.choice(3000, 20, replace=False).astype(np.int32)
    scratch = np.empty(3000, np.uint16), np.empty(N_BUCKETS + 1, np.int32), order
    assert rank_few(z, rows, NO_BLOCKS.place, *scratch, counted)
    assert (counted[rows] == rank[rows]).all()
    assert not rank_few(np.zeros_like(z), rows, NO_BLOCKS.place, *scratch, counted)


def test_identical_rows_stand_together_among_equal_weights() -> None:
    """Counted or sorted; several groups of them may have the same weight as others have."""
    random = np.random.default_rng(0)
    z = random.integers(-40, 40, 3000).astype(np.float32) / 16
    row = np.arange(3000.0)
    for part in np.split(random.permutation(3000)[:500], (2, 5, 40, 41, 240)):
        row[part], z[part] = part.min(), random.integers(-1, 1)
    blocks = Blocks.of(ties_of(row[:, None].astype(np.float32)), 3000)
    assert len(blocks.heads) == 5
    order, rank = np.empty(3000, np.int32), np.empty(3001, np.int32)
    keys, spare = np.empty(3000, np.uint64), np.empty(3000, np.uint64)
    rank_all(z.view(np.int32), blocks, keys, spare, order, rank)
    np.testing.assert_array_equal(order, np.lexsort((np.arange(3000), row, -z)))
    np.testing.assert_array_equal(rank[order], np.arange(3000))
    counted = np.full(3000, -1, np.int32)
    rows = random.choice(3000, 20, replace=False).astype(np.int32)
    scratch = np.empty(3000, np.uint16), np.empty(N_BUCKETS + 1, np.int32), order
    assert rank_few(z, rows, blocks.place, *scratch, counted)
    assert (counted[rows] == rank[rows]).all()


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_any_sets_of_any_size(data: st.DataObject) -> None:
    """Of few tokens, where every border of words and batches is near."""
    n = data.draw(st.integers(2, 200))
    token = st.integers(0, n - 1)
    drawn = data.draw(st.lists(st.sets(token, min_size=1, max_size=n - 1), min_size=1, max_size=20))
    sets = [np.array(sorted(each)) for each in drawn]
    values = data.draw(st.lists(st.integers(-5, 5), min_size=n, max_size=n))
    z = np.array([values], np.float32)
    expected = by_definition(z, sets, "none")
    for reader in ("cpu", "torch"):
        found = read(z, membership(sets, n), "none", reader)
        np.testing.assert_allclose(found.es, expected.es, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(found.peak, expected.peak)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_large_sets(data: st.DataObject) -> None:
    """The bits of sets that are dense, in rankings where they stand together or apart."""
    seed = data.draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    n = data.draw(st.integers(2 * DENSE, 2 * DENSE + 130))
    z = random.standard_normal((1, n)).astype(np.float32)
    count = data.draw(st.sampled_from([1, 63, 65, 129, 300]))
    sets = []
    for _ in range(count):
        size = int(random.integers(DENSE, n))
        odds = np.exp(random.normal() * 3 * z[0])
        chosen = random.choice(n, size, replace=False, p=odds / odds.sum()) if size < n // 2 else (
            random.permutation(n)[:size]
        )  # fmt: skip
        sets.append(np.sort(chosen))
    one, other = (read(z, membership(sets, n), "none", reader) for reader in ("cpu", "torch"))
    np.testing.assert_array_equal(one.es, other.es)
    np.testing.assert_array_equal(one.peak, other.peak)
    np.testing.assert_array_equal(one.auroc, other.auroc)


def test_auroc_is_mann_whitneys_u() -> None:
    sets = any_sets()
    z = weights_of("normal", sets)
    found = read(z, membership(sets), "none", "cpu").auroc
    for s in (0, 5, 20, -1, -9):
        inside = np.isin(np.arange(N), sets[s])
        # An exact p, which nobody asks for here, takes older scipy minutes.
        u = mannwhitneyu(z[1][inside], z[1][~inside], method="asymptotic").statistic
        assert found[1, s] == pytest.approx(u / (inside.sum() * (~inside).sum()), abs=1e-9)


@pytest.mark.parametrize("reader", ["cpu", "torch"])
@pytest.mark.parametrize("weight", WEIGHTS)
def test_sets_of_none_and_of_all(reader: str, weight: Weight) -> None:
    """An empty set does not have ES 1."""
    sets = [np.empty(0, int), np.arange(50), np.array([3])]
    found = read(np.random.default_rng(0).standard_normal((3, 50)).astype(np.float32),
                 membership(sets, 50), weight, reader)  # fmt: skip
    assert not found.es[:, :2].any()
    assert not found.peak[:, :2].any()
    assert (found.auroc[:, :2] == 0.5).all()
    assert found.es[:, 2].all()


@pytest.mark.parametrize("reader", ["cpu", "torch"])
def test_no_sets_at_all(reader: str) -> None:
    z = np.zeros((2, 10), np.float32)
    assert read(z, membership([], 10), "none", reader).es.shape == (2, 0)


def test_the_ends() -> None:
    z = np.arange(100, 0, -1, dtype=np.float32)[None]
    first, last = np.arange(4), np.arange(96, 100)
    found = read(z, membership([first, last], 100), "none", "cpu")
    assert found.es[0].tolist() == [1, -1]
    assert found.peak[0].tolist() == [4, 96]
    assert found.auroc[0].tolist() == [1, 0]


def test_of_equal_magnitudes_the_positive_counts() -> None:
    z = np.arange(4, 0, -1, dtype=np.float32)[None]
    found = read(z, membership([np.array([0, 3])], 4), "none", "cpu")
    assert found.es[0, 0] == 0.5


def test_rows_out_of_range_or_unsorted() -> None:
    with pytest.raises(TokenSetError, match="outside"):
        membership([np.array([5, 50])], 50)
    with pytest.raises(TokenSetError, match="ascending"):
        membership([np.array([1]), np.array([7, 3])], 50)


def test_transpose() -> None:
    words = np.random.default_rng(0).integers(0, 2**63, (64, 3)).astype(np.uint64)
    turned = words.copy()
    transpose(turned)
    bits = np.unpackbits(
        words[:, 1].copy().view(np.uint8).reshape(64, 8), axis=1, bitorder="little"
    )
    theirs = np.unpackbits(
        turned[:, 1].copy().view(np.uint8).reshape(64, 8), axis=1, bitorder="little"
    )
    np.testing.assert_array_equal(bits.T, theirs)


def test_through_the_sweep(unembedding: Unembedding) -> None:
    """Flat features have no ranking; tiles do not matter."""
    sets = [np.arange(0, 40), np.array([3, 77]), np.arange(5, 199)]
    held = membership(sets, unembedding.n_tokens)
    rows = torch.randn(30, 16, generator=torch.Generator().manual_seed(0))
    rows[7] = 0
    parts = {}
    for tile in (4, 512):
        sweep = Sweep(unembedding, SweepSettings(tile=tile))
        found = [sweep.tsea(each, held) for each in sweep.tiles(rows)]
        parts[tile] = np.concatenate([each.es for each in found])
        assert np.concatenate([each.auroc for each in found])[7].tolist() == [0.5] * 3
    np.testing.assert_array_equal(parts[4], parts[512])
    assert not parts[4][7].any()
    weights = (rows @ unembedding.W_U.T).numpy()
    expected = by_definition(weights[:5], sets, "none")
    np.testing.assert_allclose(parts[4][:5], expected.es, atol=1e-9)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=200), st.integers(1, 20_000))
def test_sets_that_are_read_together_are_of_about_one_size(sizes: list[int], most: int) -> None:
    blocks = list(accelerator._alike(np.array(sizes), most))
    assert sorted(np.concatenate(blocks).tolist()) == list(range(len(sizes)))
    for block in blocks:
        of_block = np.array(sizes)[block]
        assert of_block.max() <= 2 * of_block.min()
        assert len(block) == 1 or len(block) * of_block.max() <= most


@pytest.mark.parametrize("weight", WEIGHTS)
def test_many_sets_of_many_tokens_in_parts(weight: Weight, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where few rows, sets or pairs fit at once."""
    sets = any_sets(seed=7)
    z, every = torch.from_numpy(weights_of("ties", sets)), membership(sets)
    row, token_set = np.nonzero(np.random.default_rng(0).random((len(z), len(every))) < 0.3)
    whole = accelerator.read_tile(z, every, weight)
    pairs = accelerator.read_pairs(z, row, token_set, every, weight)
    monkeypatch.setattr(accelerator, "BYTES", 2 * 8 * N)
    monkeypatch.setattr(accelerator, "at_once", lambda size: 2)
    for found, expected in (
        *zip(accelerator.read_tile(z, every, weight), whole, strict=True),
        *zip(accelerator.read_pairs(z, row, token_set, every, weight), pairs, strict=True),
    ):
        np.testing.assert_array_equal(found, expected)
