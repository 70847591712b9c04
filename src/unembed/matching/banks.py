"""Two banks matched, feature by feature, against random directions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.enrichment import SecondMoment
from unembed.errors import UnembedError
from unembed.features import Features, check_width, held_against
from unembed.matching.best import F32, I64, Best, Ends, best_matches, z_of
from unembed.matching.settings import DIRECTIONS, FEWEST_DIRECTIONS, LEVEL, By
from unembed.similarity import chance_cosine, logit_rows
from unembed.unembedding import Unembedding

_TINY = 1e-30

B = npt.NDArray[np.bool_]


class Side(NamedTuple):
    """The best match of each of A features, of one sign.

    Attributes:
        row: [A] the position of the match in the other bank; −1 for a flat feature.
        cosine: [A] of their logit weights; NaN for a flat feature.
        z: [A] that cosine in standard deviations of random directions' cosines with this match
            (`best.z_of`); the directions are like those of the feature's bank.
        z_back: [A] the same the other way: of random directions like those of the match's bank,
            with the feature.
        mutual: [A] whether the match's own best among the A features is this one.
        cutoff: the z that 1 % of random directions reach with their best matches.
        cutoff_back: the same the other way.
        passes: [A] whether z is beyond its cut-off.
        passes_back: [A] whether z_back is beyond its own: what matching the other way would say of
            the same pair.
    """

    row: I64
    cosine: F32
    z: F32
    z_back: F32
    mutual: B
    cutoff: float
    cutoff_back: float
    passes: B
    passes_back: B


class Matches(NamedTuple):
    """The features of a bank, each with its best match in another one.

    Attributes:
        alike: the most similar logit weights: cosine, z and cut-off are positive.
        opposite: the most opposite ones, which promote what the feature suppresses: negative.
    """

    alike: Side
    opposite: Side


class Rows(NamedTuple):
    """A bank, ready to be matched.

    Attributes:
        rows: [F, d_model] of `logit_rows`.
        moment: what its directions are like.
    """

    rows: Float[Tensor, "features d_model"]
    moment: SecondMoment


def match(
    a: Features,
    b: Features,
    unembedding: Unembedding,
    *,
    by: By = "z",
    directions: int = DIRECTIONS,
    seed: int = 0,
) -> Matches:
    """Return each feature's best match in another bank, by the cosine of their logit weights.

    The cosine is the correlation over all tokens, 1 where two features promote and suppress the
    same tokens in the same proportions, −1 where one promotes what the other suppresses. Logit
    weights are never formed (see `unembed.similarity`).

    Some features write what every direction writes a little of, and have a large cosine with
    all of them. So z, by which the best match is chosen, is the cosine in standard deviations of
    those that random directions have with that same match (`best.z_of`). And as the best among
    thousands is never 0, random directions, drawn like the features of `a`, are matched to `b` in
    the same way: a match counts when its z is beyond that of 99 % of them, so that 1 % of features
    would pass by chance. The same pair may be surprising one way and not the other, where one of
    the two writes what every direction writes a little of; so z and verdict the other way, against
    random directions like the features of `b`, stand beside them.

    Args:
        a: the bank whose features are matched.
        b: the bank they are matched to; with the name of `a`, each feature is matched to the
            nearest other one.
        unembedding: whose tokens the logit weights are of.
        by: choose the match with the largest `z`, or the largest `cosine`; z decides what counts.
        directions: how many random ones, at least 100.
        seed: decides them.

    Raises:
        ShapeError: when a bank is not as wide as the unembedding.
        UnembedError: for too few directions, or an unknown `by`.
        WeightError: when every direction of a bank is zero.
    """
    if by not in ("z", "cosine"):
        raise UnembedError(f"Matches are chosen by 'z' or by 'cosine', not by {by!r}.")
    check_same_side(a, b)
    against = held_against(a, unembedding)
    ours = prepared(a, against)
    theirs = ours if a.name == b.name else prepared(b, against)
    return match_rows(
        ours, theirs, against,
        by=by, same=a.name == b.name, directions=directions, seed=seed,
    )  # fmt: skip


def prepared(bank: Features, unembedding: Unembedding) -> Rows:
    """Return a bank's rows for matching, and what its directions are like.

    Args:
        bank: whose features are matched.
        unembedding: that it is held against (`held_against`).
    """
    check_width(bank, unembedding)
    return Rows(logit_rows(unembedding, bank.W_dec), SecondMoment.of(bank))


def check_same_side(a: Features, b: Features) -> None:
    """Check that two banks are both of what features write, or both of what they read.

    Raises:
        UnembedError: when they are not.
    """
    if (a.reads is None) != (b.reads is None):
        raise UnembedError(
            f"One of {a.name} and {b.name} is what features read, and the other what they write: "
            "their weights are over different matrices, and are not matched. How what a feature "
            "reads and writes agree is another question: unembed.read_and_written(run)."
        )


def match_rows(
    ours: Rows,
    theirs: Rows,
    unembedding: Unembedding,
    *,
    only: int | None = None,
    by: By = "z",
    same: bool = False,
    directions: int = DIRECTIONS,
    seed: int = 0,
) -> Matches:
    """Return the best matches of rows among rows (see `match`).

    Args:
        ours: whose matches are looked for.
        theirs: among which they are.
        unembedding: that made both.
        only: one position of ours, to match it alone.
        by: as for `match`.
        same: ours are theirs.
        directions: as for `match`.
        seed: as for `match`.
    """
    if directions < FEWEST_DIRECTIONS:
        raise UnembedError(
            f"A match is held against at least {FEWEST_DIRECTIONS} random directions, not "
            f"{directions}."
        )
    at = np.arange(len(ours.rows)) if only is None else np.array([only])
    forth = _against(ours, theirs, unembedding, by, directions, seed)
    back = forth if same else _against(theirs, ours, unembedding, by, directions, seed)
    found = best_matches(ours.rows[at], theirs.rows, forth.chosen_by, at if same else None)
    mutual = _mutual(found, at, ours.rows, theirs.rows, back.chosen_by, same=same)
    return Matches(
        _side(found.alike, at, forth, back, mutual[0], 1),
        _side(found.opposite, at, forth, back, mutual[1], -1),
    )


class _Null(NamedTuple):
    """What random directions like one bank's do with the features of the other.

    Attributes:
        chance: [B] the spread of their cosines with each of these.
        chosen_by: the same where matches are chosen by z, None where they are by the cosine.
        best: their best matches.
    """

    chance: Tensor
    chosen_by: Tensor | None
    best: Ends


def _against(
    ours: Rows, theirs: Rows, unembedding: Unembedding, by: By, directions: int, seed: int
) -> _Null:
    """Match random directions like ours to theirs."""
    chance = _chance(unembedding, theirs.rows, ours.moment)
    chosen_by = chance if by == "z" else None
    drawn = logit_rows(unembedding, ours.moment.draw(directions, seed))
    return _Null(chance, chosen_by, best_matches(drawn, theirs.rows, chosen_by))


def _chance(unembedding: Unembedding, rows: Tensor, moment: SecondMoment) -> Tensor:
    """The spread of chance with each row; not 0 for flat ones, which are never matched."""
    return chance_cosine(unembedding, rows, moment.matrix).clamp_min(_TINY)


def _side(best: Best, at: I64, forth: _Null, back: _Null, mutual: B, sign: int) -> Side:
    """Return one sign's matches with their z both ways, held against the random directions' own."""
    z = _z(best.cosine, forth.chance, best.row)
    z_back = _z(best.cosine, back.chance, at)
    cutoff, cutoff_back = (_cutoff(null, sign) for null in (forth, back))
    passes, passes_back = sign * z > sign * cutoff, sign * z_back > sign * cutoff_back
    return Side(best.row, best.cosine, z, z_back, mutual, cutoff, cutoff_back, passes, passes_back)


def _cutoff(null: _Null, sign: int) -> float:
    """Return the z that 1 % of random directions reach; NaN where none has a match."""
    best = null.best.alike if sign > 0 else null.best.opposite
    z = _z(best.cosine, null.chance, best.row)
    known = z[~np.isnan(z)]
    return sign * float(np.quantile(sign * known, 1 - LEVEL)) if len(known) else float("nan")


def _z(cosine: F32, chance: Tensor, row: I64) -> F32:
    z: F32 = z_of(torch.from_numpy(cosine), chance[torch.from_numpy(row)]).numpy()
    return z


def _mutual(
    found: Ends, at: I64, ours: Tensor, theirs: Tensor, chance: Tensor | None, *, same: bool
) -> tuple[B, B]:
    """Return whether each match's own best match, of either sign, is the one it was found for."""
    matched = np.unique(np.concatenate([best.row for best in found]))
    matched = matched[matched >= 0]
    back = best_matches(theirs[matched], ours, chance, matched if same else None)
    place = np.searchsorted(matched, [best.row for best in found]).clip(max=len(matched) - 1)
    return tuple(
        (forth.row >= 0) & (returned.row[where] == at)
        for forth, returned, where in zip(found, back, place, strict=True)
    )
