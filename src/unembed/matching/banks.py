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
from unembed.features import Features, check_width
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
            (`best.z_of`).
        mutual: [A] whether the match's own best among the A features is this one.
        cutoff: the z that 1 % of random directions reach with their best matches.
        passes: [A] whether z is beyond it.
    """

    row: I64
    cosine: F32
    z: F32
    mutual: B
    cutoff: float
    passes: B


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
    would pass by chance.

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
    ours = prepared(a, unembedding)
    theirs = ours if a.name == b.name else prepared(b, unembedding)
    return match_rows(
        ours, theirs, unembedding,
        by=by, same=a.name == b.name, directions=directions, seed=seed,
    )  # fmt: skip


def prepared(bank: Features, unembedding: Unembedding) -> Rows:
    """Return a bank's rows for matching, and what its directions are like."""
    check_width(bank, unembedding)
    return Rows(logit_rows(unembedding, bank.W_dec), SecondMoment.of(bank))


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
    chance = _chance(unembedding, theirs.rows, ours.moment)
    used = chance if by == "z" else None
    found = best_matches(ours.rows[at], theirs.rows, used, at if same else None)
    drawn = logit_rows(unembedding, ours.moment.draw(directions, seed))
    null = best_matches(drawn, theirs.rows, used)
    back = _chance(unembedding, ours.rows, theirs.moment) if by == "z" else None
    mutual = _mutual(found, at, ours.rows, theirs.rows, back, same=same)
    return Matches(
        _side(found.alike, null.alike, mutual[0], chance, 1),
        _side(found.opposite, null.opposite, mutual[1], chance, -1),
    )


def _chance(unembedding: Unembedding, rows: Tensor, moment: SecondMoment) -> Tensor:
    """The spread of chance with each row; not 0 for flat ones, which are never matched."""
    return chance_cosine(unembedding, rows, moment.matrix).clamp_min(_TINY)


def _side(best: Best, null: Best, mutual: B, chance: Tensor, sign: int) -> Side:
    """Return one sign's matches with their z, held against the random directions' own."""
    z, of_null = (_z(each, chance) for each in (best, null))
    known = of_null[~np.isnan(of_null)]
    cutoff = sign * float(np.quantile(sign * known, 1 - LEVEL)) if len(known) else float("nan")
    return Side(best.row, best.cosine, z, mutual, cutoff, sign * z > sign * cutoff)


def _z(best: Best, chance: Tensor) -> F32:
    z: F32 = z_of(torch.from_numpy(best.cosine), chance[torch.from_numpy(best.row)]).numpy()
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
