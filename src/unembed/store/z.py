"""z of every pair of a run: as it is kept, or as the product of what is kept.

For more sets than dimensions the table of z is larger than the features' directions and the sets'
effects, of which it is the product: z = δ·w / (std(w) sd). So these are kept, and z is had in
milliseconds, a feature or a set at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from unembed.recent import Recent
from unembed.store import enrichment as store
from unembed.store.arrays import Array, read_array, read_rows_of_array
from unembed.store.files import RunFiles
from unembed.store.manifest import Manifest, Shard
from unembed.store.shards import recent_table

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

Multiply = Callable[[F32, F32], F32]
"""Returns a @ b: what reads many z has torch, and its own way to a product."""

_PAIRS_AT_ONCE = 4096


class StoredZ:
    """z of a finished run.

    Args:
        folder: the run's.
        manifest: of the run.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder
        self._manifest = manifest
        self._sd = Recent[str, F64]()
        self._effects = Recent[bool, F32]()

    def of_feature(self, shard: Shard, row: int) -> F32:
        """Return [S] z of the feature in a row of a shard, with every set."""
        if not self._manifest.z_is_factored:
            return np.asarray(self.rows("z", shard, row), np.float32)
        unit = self.rows("directions", shard, row).astype(np.float32)
        shift = _product(self._effects_on(shard), unit) * self._lengths(shard)[row]
        return _divided(shift, self._sd_of(shard))

    def of_set(self, shard: Shard, number: int) -> F32:
        """Return [T] z of every feature of a shard with one set."""
        if not self._manifest.z_is_factored:
            return np.asarray(self.array("z", shard)[:, number], np.float32)
        units = self.array("directions", shard).astype(np.float32)
        shift = _product(units, self._effects_on(shard)[number]) * self._lengths(shard)
        return _divided(shift, self._sd_of(shard)[number])

    def of_rows(self, shard: Shard, rows: I64, multiply: Multiply) -> F32:
        """Return [R, S] z of the features in some rows of a shard with every set."""
        if not self._manifest.z_is_factored:
            return np.asarray(self.rows("z", shard, rows), np.float32)
        units = self.rows("directions", shard, rows).astype(np.float32)
        shift = multiply(units, np.ascontiguousarray(self._effects_on(shard).T))
        return _divided(shift * self._lengths(shard)[rows, None], self._sd_of(shard))

    def of_pairs(self, shard: Shard, rows: I64, numbers: I64) -> F32:
        """Return [P] z of the features in some rows of a shard, each with the set of its number."""
        if not self._manifest.z_is_factored:
            return np.asarray(self.array("z", shard)[rows, numbers], np.float32)
        effects, shift = self._effects_on(shard), np.empty(len(rows))
        for start in range(0, len(rows), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            units = self.rows("directions", shard, rows[part]).astype(np.float32)
            shift[part] = np.einsum("pd,pd->p", units, effects[numbers[part]])
        return _divided(shift * self._lengths(shard)[rows], self._sd_of(shard)[numbers])

    def array(self, kind: str, shard: Shard) -> Array:
        """Return what one of the shard's arrays holds (`store.enrichment.ARRAYS`)."""
        return read_array(self._folder / store.shard_paths(shard.path)[kind])

    def rows(self, kind: str, shard: Shard, rows: int | I64) -> Array:
        """Return some rows of what one of the shard's arrays holds, without the others."""
        return read_rows_of_array(self._folder / store.shard_paths(shard.path)[kind], rows)

    def effects_of(self, bank: str) -> F32:
        """Return [S, d_model] δ of every set, over what a bank is held against."""
        reads = self._manifest.bank(bank).reads is not None
        path = self._folder / RunFiles(self._manifest).effects[reads]
        return self._effects.get(reads, lambda: np.array(read_array(path)))

    def _effects_on(self, shard: Shard) -> F32:
        return self.effects_of(self._manifest.names[shard.bank])

    def _sd_of(self, shard: Shard) -> F64:
        return self.sd(self._manifest.names[shard.bank])

    def sd(self, bank: str) -> F64:
        """Return [S] the standard deviation of each set's t, of random directions like a bank's."""
        return self._sd.get(bank, lambda: store.read_sd(self._folder / store.tests_path(bank)))

    def _lengths(self, shard: Shard) -> F64:
        """[T] how long a direction is whose logit weights have standard deviation 1."""
        table = recent_table(self._folder / shard.path, ["std", "norm"])
        std, norm = table["std"].to_numpy(), table["norm"].to_numpy()
        whole = 1.0 if self._manifest.unembedding.lens == "cosine" else norm
        return np.where(std > 0, whole / np.where(std > 0, std, 1), 0.0)


def _product(rows: F32, vector: F32) -> F64:
    """Return rows [n, d] times a vector, by NumPy's own loop: on any threads, and without torch."""
    found: F64 = np.einsum("nd,d->n", rows, vector).astype(np.float64)
    return found


def _divided(shift: F64, sd: F64 | float) -> F32:
    """Return z, 0 for sets that cannot be tested."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z: F32 = np.where(np.asarray(sd) > 0, shift / sd, 0.0).astype(np.float32)
    return z
