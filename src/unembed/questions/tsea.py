"""TSEA of pairs that a run did not read it of, from the weights that the run was made of."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.enrichment.simulated_null import SimulatedNull
from unembed.questions.weights import weights_of
from unembed.store.enrichment import PAIR_COLUMNS
from unembed.store.tables import RunTables
from unembed.sweep.standardised import read_one
from unembed.sweep.tsea import Membership, TseaReadings
from unembed.unembedding import Unembedding

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

COLUMNS = ("es", "peak", "auroc", "nes", "log10_p_directions", "log10_p_tokens")
_kept: WeakKeyDictionary[Unembedding, Membership] = WeakKeyDictionary()


def with_tsea(run: RunTables, found: pl.DataFrame) -> pl.DataFrame:
    """Return pairs with TSEA where it was not kept.

    The scores are those that the sweep reads, but for tokens whose weights the rounding of one
    product or of many puts in another order. NES and `log10_p_directions` are null for sets that no
    feature of the bank passes with: their null was not drawn.

    Args:
        run: that the pairs are of; its weights are read again, as for `logit_weights`.
        found: pairs by number, as `StoredScores` returns them.

    Raises:
        SourceError: when the run's sources are not there any more, or changed.
    """
    lacking = found.with_row_index("_at").filter(pl.col("peak").is_null())
    if not lacking.height:
        return found
    parts = [
        _read(run, str(bank), int(feature), part)
        for (bank, feature), part in lacking.group_by("bank", "feature", maintain_order=True)
    ]
    whole = found.with_row_index("_at").join(
        pl.concat(parts), on="_at", how="left", suffix="_read"
    )  # fmt: skip
    return whole.select(
        pl.coalesce(f"{name}_read", name).alias(name) if name in COLUMNS else pl.col(name)
        for name in found.columns
    )


def _read(run: RunTables, bank: str, position: int, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return TSEA of one feature's pairs, by their place `_at`."""
    from unembed.sweep.tsea.cpu import read_pairs  # compiled; those who read a run need it not

    weights = weights_of(run)
    against = weights.against(bank)
    membership = _membership(run, against)
    sets = pairs["token_set"].to_numpy().astype(np.int64)
    read = read_one(weights.bank(bank).W_dec[position], against)
    scores = TseaReadings.nothing((len(sets),))
    real = membership.testable[sets] & (read.std > 0)
    rows = np.zeros(np.count_nonzero(real), np.int64)
    of_real = read_pairs(read.z[None], rows, sets[real], membership, run.tested.weight)
    for values, own in zip(scores, of_real, strict=True):
        values[real] = own
    nes, log10_p = _against_directions(run.scores.null(bank), scores.es, sets)
    columns = (*scores, nes, log10_p, _against_tokens(run, scores.es, membership.sizes[sets]))
    table = pl.DataFrame(dict(zip(COLUMNS, columns, strict=True))).select(
        pl.col(name).fill_nan(None).cast(PAIR_COLUMNS[name])
        if PAIR_COLUMNS[name].is_float()
        else pl.col(name)
        for name in COLUMNS
    )
    return table.with_columns(pairs["_at"])


def _membership(run: RunTables, unembedding: Unembedding) -> Membership:
    """Return the tested sets over the rows of W_U, or of W_E, made once."""
    if unembedding not in _kept:
        sets = run.tested_sets
        ids = sets["ids"].explode().drop_nulls().to_numpy()
        ends = np.concatenate([[0], sets["size"].to_numpy().cumsum()]).astype(np.int64)
        rows = np.searchsorted(unembedding.token_ids, ids).astype(np.int32)
        _kept[unembedding] = Membership(unembedding.n_tokens, ends, rows, unembedding.ties)
    return _kept[unembedding]


def _against_directions(null: SimulatedNull | None, es: F64, sets: I64) -> tuple[F64, F64]:
    """Return NES, and log10 p by random directions; NaN where they were not drawn."""
    if null is None or not null.means.size:
        return np.full(len(es), np.nan), np.full(len(es), np.nan)
    return null.normalised(es, sets), null.p_values(es, sets)


def _against_tokens(run: RunTables, es: F64, sizes: I64) -> F64:
    """Return log10 p by random sets of tokens; NaN for weights without such a null."""
    from unembed.enrichment.token_null import TokenNull, log10_p_unweighted

    n_tokens = run.manifest.unembedding.tokens
    if run.tested.weight == "none":
        return log10_p_unweighted(es, sizes, n_tokens)
    if run.tested.weight == "magnitude":
        return np.full(len(es), np.nan)
    null = TokenNull.normal_scores(sizes, n_tokens)
    return null.log10_p_of_sets(np.arange(len(sizes)), es).astype(np.float64)
