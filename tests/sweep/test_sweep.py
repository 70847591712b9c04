"""The sweep against SciPy in float64, and what must not change its answer."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unembed import Sweep, SweepSettings, Unembedding, Vocabulary, prepare_unembedding
from unembed.errors import UnembedError
from unembed.sweep.bins import N_BINS, bin_edges
from unembed.sweep.sweep import FeatureStatistics

V, D, F = 20_011, 96, 130


def heavy(*shape: int, seed: int) -> torch.Tensor:
    """Student's t with 4 degrees of freedom: tails as heavy as real features'."""
    values = scipy.stats.t.rvs(4, size=shape, random_state=seed)
    return torch.from_numpy(values).float()


@pytest.fixture(scope="module")
def W_U() -> torch.Tensor:
    return heavy(V, D, seed=1)


@pytest.fixture(scope="module")
def large(W_U: torch.Tensor) -> Unembedding:
    return prepare_unembedding(W_U, Vocabulary.from_texts([f"t{i}" for i in range(V)]))


@pytest.fixture(scope="module")
def W_dec() -> torch.Tensor:
    """Rows of every scale, some along single dimensions so that tails get heavy."""
    rows = heavy(F, D, seed=2)
    rows[:D:3] = torch.eye(D)[: len(rows[:D:3])]
    return rows * torch.logspace(-12, 12, F)[:, None]


@pytest.fixture(scope="module")
def exact(W_U: torch.Tensor, W_dec: torch.Tensor) -> np.ndarray:
    """All logit weights in float64: what the package itself never holds."""
    wide = W_U.double()
    return (W_dec.double() @ (wide - wide.mean(0)).T).numpy()


@pytest.mark.parametrize("tile", [1, 37, 512])
def test_statistics_are_exact(
    large: Unembedding, W_dec: torch.Tensor, exact: np.ndarray, tile: int
) -> None:
    read = Sweep(large, SweepSettings(tile=tile)).read(W_dec)
    np.testing.assert_allclose(read.std, exact.std(1), rtol=1e-6)
    np.testing.assert_allclose(read.skewness, scipy.stats.skew(exact, axis=1), atol=1e-5, rtol=0)
    kurtosis = scipy.stats.kurtosis(exact, axis=1, fisher=False)
    assert kurtosis.max() > 20, "the test should reach heavy tails"
    np.testing.assert_allclose(read.kurtosis, kurtosis, rtol=1e-5)
    scale = exact.std(1)
    np.testing.assert_allclose(read.minimum / scale, exact.min(1) / scale, rtol=1e-5)
    np.testing.assert_allclose(read.maximum / scale, exact.max(1) / scale, rtol=1e-5)
    np.testing.assert_allclose(read.norm, np.linalg.norm(W_dec.double().numpy(), axis=1))
    assert not read.mean.any()


def test_top_and_bottom_tokens(large: Unembedding, W_dec: torch.Tensor, exact: np.ndarray) -> None:
    """Order may differ where weights differ by less than float32 can tell; weights may not."""
    read = Sweep(large, SweepSettings(top_k=25)).read(W_dec)
    descending = np.sort(exact, axis=1)[:, ::-1]
    scale = exact.std(1, keepdims=True)
    np.testing.assert_allclose(read.top_weights / scale, descending[:, :25] / scale, rtol=2e-5)
    np.testing.assert_allclose(
        read.bottom_weights / scale, descending[:, :-26:-1] / scale, rtol=2e-5
    )
    np.testing.assert_allclose(
        np.take_along_axis(exact, read.top_ids.astype(int), 1) / scale,
        read.top_weights / scale,
        rtol=2e-5,
    )
    assert (read.top_ids == np.argsort(-exact, axis=1)[:, :25]).mean() > 0.999


def test_histogram(large: Unembedding, W_dec: torch.Tensor, exact: np.ndarray) -> None:
    """Only tokens within rounding of an edge may fall on its other side."""
    read = Sweep(large).read(W_dec)
    assert (read.histogram.sum(1) == V).all()
    z = exact / exact.std(1, keepdims=True)
    edges = bin_edges()
    for row in range(F):
        expected = np.bincount(np.searchsorted(edges, z[row], "right") - 1, minlength=N_BINS)
        assert np.abs(np.cumsum(expected) - np.cumsum(read.histogram[row])).max() <= 2


def test_fewer_tokens_than_top_k(unembedding: Unembedding) -> None:
    read = Sweep(unembedding, SweepSettings(top_k=500)).read(torch.ones(1, 16))
    assert read.top_ids.shape == (1, 199)
    assert sorted(read.top_ids[0]) == sorted(read.bottom_ids[0]) == list(range(1, 200))
    np.testing.assert_array_equal(read.top_ids[0], read.bottom_ids[0][::-1])


def test_ids_are_the_vocabularys_not_the_rows(unembedding: Unembedding) -> None:
    """Token 0 is masked, so that rows and ids differ by one."""
    row = 41
    read = Sweep(unembedding).read(unembedding.W_U[row : row + 1] * 10)
    assert read.top_ids[0, 0] == row + 1


def test_ties_come_in_token_id_order() -> None:
    texts = Vocabulary.from_texts([f"t{i}" for i in range(12)])
    values = torch.tensor([3.0, 1, 3, 0, 1, 0, 3, -2, 1, -2, 0, 0])
    tied = prepare_unembedding(torch.stack([values, values.roll(1)], 1), texts)
    read = Sweep(tied, SweepSettings(top_k=12)).read(torch.tensor([[1.0, 0.0]]))
    assert read.top_ids[0].tolist() == [0, 2, 6, 1, 4, 8, 3, 5, 10, 11, 7, 9]
    assert read.bottom_ids[0].tolist() == [7, 9, 3, 5, 10, 11, 1, 4, 8, 0, 2, 6]


def test_a_dead_feature_has_no_nan(unembedding: Unembedding) -> None:
    rows = torch.zeros(3, 16)
    rows[1] = 1
    read = Sweep(unembedding).read(rows)
    assert read.flat.tolist() == [True, False, True]
    for column in read:
        assert np.isfinite(column).all()
    for name in ("std", "skewness", "kurtosis", "minimum", "maximum", "norm"):
        assert getattr(read, name)[0] == 0


def test_a_direction_no_token_sees_is_flat() -> None:
    """Constant over d_model, behind a LayerNorm's projection: rounding is not a signal."""
    from unembed import FinalNorm

    W_U = torch.randn(500, 64, generator=torch.Generator().manual_seed(0))
    texts = Vocabulary.from_texts([f"t{i}" for i in range(500)])
    prepared = prepare_unembedding(W_U, texts, norm=FinalNorm("layernorm"))
    assert Sweep(prepared).read(torch.ones(1, 64)).flat.tolist() == [True]


def test_tiny_and_huge_rows_are_not_flat(unembedding: Unembedding) -> None:
    row = torch.randn(1, 16, generator=torch.Generator().manual_seed(0))
    reads = [Sweep(unembedding).read(row * scale) for scale in (1e-30, 1.0, 1e30)]
    for read, scale in zip(reads, (1e-30, 1.0, 1e30), strict=True):
        assert read.std[0] == pytest.approx(reads[1].std[0] * scale, rel=1e-6)
        assert read.kurtosis[0] == pytest.approx(reads[1].kurtosis[0], rel=1e-6)


def test_cosine_lens(large: Unembedding, W_U: torch.Tensor, W_dec: torch.Tensor) -> None:
    texts = large.vocabulary
    cosine = prepare_unembedding(W_U, texts, lens="cosine")
    read = Sweep(cosine).read(W_dec)
    centred = (W_U - W_U.mean(0)).double()
    expected = torch.nn.functional.normalize(W_dec.double(), dim=1) @ (
        torch.nn.functional.normalize(centred, dim=1).T
    )
    np.testing.assert_allclose(read.mean, expected.mean(1), atol=1e-7)
    np.testing.assert_allclose(read.std, expected.std(1, correction=0), rtol=1e-6)
    np.testing.assert_allclose(read.maximum, expected.amax(1), atol=1e-6)
    np.testing.assert_allclose(read.minimum, expected.amin(1), atol=1e-6)
    np.testing.assert_allclose(read.top_weights, expected.topk(50).values, atol=1e-6)
    np.testing.assert_allclose(
        read.kurtosis, scipy.stats.kurtosis(expected.numpy(), axis=1, fisher=False), rtol=1e-5
    )


def test_the_same_bytes_again_and_with_other_threads(
    large: Unembedding, W_dec: torch.Tensor
) -> None:
    first = Sweep(large).read(W_dec)
    again = Sweep(large).read(W_dec)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        single = Sweep(large).read(W_dec)
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_allclose(single.kurtosis, first.kurtosis, rtol=1e-5)
    np.testing.assert_allclose(single.std, first.std, rtol=1e-6)


def read_rows(weights: np.ndarray) -> FeatureStatistics:
    """Read features whose logit weights are the columns of a [tokens, F] matrix."""
    matrix = torch.from_numpy(weights).float()
    texts = Vocabulary.from_texts([f"t{i}" for i in range(len(weights))])
    return Sweep(prepare_unembedding(matrix, texts)).read(torch.eye(matrix.shape[1]))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(1e-3, 1e3), shift=st.floats(-10, 10))
def test_laws_of_moments(seed: int, scale: float, shift: float) -> None:
    """Order of tokens, shift and scale leave shape alone; a sign flips skewness."""
    rng = np.random.default_rng(seed)
    weights = rng.standard_t(4, (300, 2))
    read = read_rows(weights)
    other = read_rows(rng.permutation(weights) * scale + shift)
    np.testing.assert_allclose(other.std, read.std * scale, rtol=1e-4)
    np.testing.assert_allclose(other.skewness, read.skewness, atol=1e-3)
    np.testing.assert_allclose(other.kurtosis, read.kurtosis, rtol=1e-3)
    mirrored = read_rows(-weights)
    np.testing.assert_allclose(mirrored.skewness, -read.skewness, atol=1e-5)
    np.testing.assert_array_equal(mirrored.top_ids, read.bottom_ids)


def test_one_token_makes_the_whole_distribution() -> None:
    """Skewness and kurtosis are then as large as they can be, and exact for their size."""
    weights = np.random.default_rng(0).standard_normal((100_000, 1)) * 1e-4
    weights[17] = 1.0
    read = read_rows(weights)
    exact = weights.astype(np.float32).astype(float)[:, 0]
    assert read.top_ids[0, 0] == 17
    np.testing.assert_allclose(read.skewness[0], scipy.stats.skew(exact), rtol=1e-6)
    np.testing.assert_allclose(
        read.kurtosis[0], scipy.stats.kurtosis(exact, fisher=False), rtol=1e-6
    )


@pytest.mark.parametrize("share", [1e-3, 1e-4, 1e-5])
def test_a_feature_that_nearly_misses_what_is_read(share: float) -> None:
    """Its std is a small share of |w| times the rows' rms; the errors grow as it shrinks."""
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((5000, 2)).astype(np.float32) * [1.0, share]
    texts = Vocabulary.from_texts([f"t{i}" for i in range(5000)])
    prepared = prepare_unembedding(torch.from_numpy(matrix).float(), texts)
    read = Sweep(prepared).read(torch.tensor([[share * 0.1, 1.0]]))
    wide = prepared.W_U.double().numpy() @ [np.float32(share * 0.1), 1.0]
    assert not read.flat[0]
    np.testing.assert_allclose(read.std[0], wide.std(), rtol=1e-5)
    np.testing.assert_allclose(
        read.kurtosis[0], scipy.stats.kurtosis(wide, fisher=False), rtol=1e-4
    )


@pytest.mark.parametrize("scale", [1e-25, 1e18])
def test_unembeddings_of_any_scale(scale: float) -> None:
    matrix = torch.randn(500, 8, generator=torch.Generator().manual_seed(0))
    texts = Vocabulary.from_texts([f"t{i}" for i in range(500)])
    row = torch.ones(1, 8)
    scaled, plain = (Sweep(prepare_unembedding(matrix * s, texts)).read(row) for s in (scale, 1.0))
    assert scaled.std[0] == pytest.approx(plain.std[0] * scale, rel=1e-5)
    assert scaled.kurtosis[0] == pytest.approx(plain.kurtosis[0], rel=1e-5)


def test_low_precision_around_us_changes_nothing(large: Unembedding, W_dec: torch.Tensor) -> None:
    before = torch.get_float32_matmul_precision()
    plain = Sweep(large).read(W_dec)
    torch.set_float32_matmul_precision("medium")
    try:
        read = Sweep(large).read(W_dec)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    np.testing.assert_array_equal(read.kurtosis, plain.kurtosis)


@pytest.mark.parametrize("wrong", [{"top_k": 0}, {"tile": 0}, {"top_k": 1001}])
def test_settings_that_make_no_sense(wrong: dict[str, int]) -> None:
    with pytest.raises(UnembedError, match=r"at (least 1|most 1000)"):
        SweepSettings(**wrong)


def test_a_device_that_is_not_there(unembedding: Unembedding) -> None:
    with pytest.raises(UnembedError, match="cannot be used"):
        Sweep(unembedding, SweepSettings(device="no-such-device"))
