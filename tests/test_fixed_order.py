"""Sums in kernels: right, and the same bits however they are compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from unembed.fixed_order import LANES, add_powers, sum_products, total

LENGTHS = (0, 1, LANES - 1, 4 * LANES, 4 * LANES + 1, 1000)

DIGESTS = """
import hashlib

import numpy as np
import torch

from unembed.enrichment.integrals import integrals_around
from unembed.explanation.cells import cell_sums
from unembed.explanation.correlations import correlations
from unembed.sweep import cpu

random = np.random.default_rng(0)
z = random.standard_t(6, (5, 3001)).astype(np.float32)
found = [*cpu.read_tile(z, 9)]
sets = np.array([[0, 1, -1]] * 5), np.array([0, 40, 900]), np.arange(900, dtype=np.int32)
found.append(cell_sums(torch.from_numpy(z), np.arange(5), *sets))
found.append(correlations(z, np.array([0, 1]), np.array([[1, 2], [3, -1]])))
squares, rows = random.random((3, 700)), random.random((60, 700))
starts = np.arange(21) * 2
found += integrals_around(squares, np.full(3, 200.0), rows, starts, np.ones(40))
print([hashlib.sha256(np.ascontiguousarray(each).tobytes()).hexdigest()[:12] for each in found])
"""


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_sums_of_powers(length: int, kind: type) -> None:
    values = np.random.default_rng(length).standard_normal(length).astype(kind)
    lanes = np.zeros((5, LANES), kind)
    add_powers(values, lanes)
    add_powers(values, lanes)
    for power in range(4):
        expected = 2 * (values.astype(np.float64) ** (power + 1)).sum()
        assert total(lanes[power]) == pytest.approx(expected, rel=1e-4, abs=1e-3)
    signed = 2 * (values.astype(np.float64) ** 3 * np.abs(values)).sum()
    assert total(lanes[4]) == pytest.approx(signed, rel=1e-4, abs=1e-3)
    if kind is np.float64:
        assert total(lanes[1]) == pytest.approx(2 * (values**2).sum(), rel=1e-13)


@pytest.mark.parametrize("length", LENGTHS)
def test_sums_of_products(length: int) -> None:
    random = np.random.default_rng(length)
    a, b = random.standard_normal((2, length))
    scratch = np.full(LANES, np.nan)
    assert sum_products(a, b, scratch) == pytest.approx(np.matmul(a, b), rel=1e-12, abs=1e-12)
    narrow = a.astype(np.float32), b.astype(np.float32)
    wide = [each.astype(np.float64) for each in narrow]
    assert sum_products(*narrow, scratch) == pytest.approx(np.matmul(*wide), rel=1e-12, abs=1e-12)


@pytest.mark.slow
def test_a_process_that_compiles_says_what_later_ones_say(tmp_path: Path) -> None:
    """Also where only a part is in the cache, and on a processor with narrower vectors."""

    def digests(**more: str) -> str:
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), **more}
        return subprocess.run(
            [sys.executable, "-c", DIGESTS], env=environment, capture_output=True, text=True,
            check=True,
        ).stdout  # fmt: skip

    compiled = digests()
    assert len(compiled) > 100
    assert digests() == compiled
    kernels = list((tmp_path / "cache").rglob("*_read_rows*"))
    assert kernels
    for each in kernels:
        each.unlink()
    assert digests() == compiled
    narrow = {"NUMBA_CPU_NAME": "x86-64-v2", "NUMBA_CPU_FEATURES": ""}
    elsewhere = {"NUMBA_CACHE_DIR": str(tmp_path / "elsewhere")}
    if os.uname().machine == "x86_64":
        assert digests(**narrow, **elsewhere) == compiled
