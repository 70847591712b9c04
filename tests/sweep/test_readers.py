"""The CPU kernel and the torch reader: equal to each other and to a naive loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed.sweep import accelerator, cpu, device
from unembed.sweep.bins import N_BINS, bin_edges
from unembed.sweep.statistics import TileReadings


def tile(kind: str) -> np.ndarray:
    rng = np.random.default_rng(7)
    z = {
        "normal": rng.standard_normal((9, 3001)),
        "heavy": rng.standard_cauchy((9, 3001)).clip(-300, 300),
        "ties": rng.integers(-3, 4, (9, 3001)) / 2,
        "far out": rng.choice([-40.0, 0.0, 40.0], (9, 3001)),
        "few": rng.standard_normal((9, 5)),
        "negative zero": np.where(rng.random((9, 101)) < 0.5, -0.0, 0.0),
    }[kind]
    return z.astype(np.float32)


KINDS = ["normal", "heavy", "ties", "far out", "few", "negative zero"]


def naive(z: np.ndarray, k: int) -> TileReadings:
    """Written from the definitions, one row and one token at a time."""
    wide = z.astype(np.float64)
    powers = [wide**p for p in (1, 2, 3, 4)]
    sums = np.stack([power.sum(1) for power in (*powers, wide**3 * np.abs(wide))], 1)
    counts = np.zeros((len(z), N_BINS), np.uint32)
    edges = bin_edges().astype(np.float32)
    top, bottom = [], []
    for row, values in enumerate(z):
        for value in values:
            counts[row, np.flatnonzero(edges <= value)[-1]] += 1
        order = range(len(values))
        top.append(sorted(order, key=lambda i: (-values[i], i))[:k])
        bottom.append(sorted(order, key=lambda i: (values[i], i))[:k])
    top_rows, bottom_rows = np.array(top, np.int32), np.array(bottom, np.int32)
    return TileReadings(
        sums, counts, top_rows, np.take_along_axis(z, top_rows, 1),
        bottom_rows, np.take_along_axis(z, bottom_rows, 1),
    )  # fmt: skip


def assert_sums_agree(found: np.ndarray, expected: np.ndarray) -> None:
    """Each but for rounding, that of z³|z| but for that of what it is the difference of."""
    np.testing.assert_allclose(found[:, :4], expected[:, :4], rtol=1e-5, atol=1e-2)
    assert (np.abs(found - expected)[:, 4] <= 1e-6 * expected[:, 3]).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("reader", ["cpu", "torch"])
def test_reader_equals_the_naive_loop(kind: str, k: int, reader: str) -> None:
    z = tile(kind)
    found = cpu.read_tile(z, k) if reader == "cpu" else accelerator.read_tile(torch.tensor(z), k)
    expected = naive(z, k)
    for name in ("top_rows", "top_z", "bottom_rows", "bottom_z"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    assert (found.counts.sum(1) == z.shape[1]).all()
    moved = np.abs(np.cumsum(found.counts, 1).astype(int) - np.cumsum(expected.counts, 1)).max()
    assert moved <= (1 if kind in ("normal", "heavy", "few") else 0), "1: rounding at an edge"
    assert_sums_agree(found.sums, expected.sums)


@pytest.mark.parametrize("kind", KINDS)
def test_both_readers_agree_to_the_last_bit(kind: str) -> None:
    z = tile(kind)
    a, b = cpu.read_tile(z, 5), accelerator.read_tile(torch.tensor(z), 5)
    for name in ("counts", "top_rows", "top_z", "bottom_rows", "bottom_z"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), name)
    assert_sums_agree(a.sums, b.sums)


@pytest.mark.parametrize("kind", ["normal", "ties", "negative zero"])
def test_rows_in_parts_are_read_alike(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    z = torch.tensor(tile(kind))
    whole = accelerator.read_tile(z, 5)
    monkeypatch.setattr(device, "BYTES", 2 * 4 * z.shape[1])
    for found, expected in zip(accelerator.read_tile(z, 5), whole, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_more_tokens_than_k_that_reach_as_far() -> None:
    """Of those that tie with the last that is kept, the first in row order are kept."""
    z = torch.zeros(3, 2000)
    z[0, [1900, 7, 40]] = 2.0
    z[1, [3, 1999]] = torch.tensor([-1.0, 1.0])
    z[2] = torch.linspace(1, -1, 2000)
    found = accelerator.read_tile(z, 2)
    assert found.top_rows.tolist() == [[7, 40], [1999, 0], [0, 1]]
    assert found.bottom_rows.tolist() == [[0, 1], [3, 0], [1999, 1998]]
