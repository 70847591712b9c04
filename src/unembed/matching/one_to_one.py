"""Two dictionaries matched one to one: which features are found again, split, merged, or lost."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from unembed.errors import UnembedError
from unembed.matching.fates import Fates, fates_of
from unembed.matching.pairs import (
    MOST_PAIRS,
    Alike,
    Nearest,
    assigned,
    best_of_both,
    chosen_of,
    mutual_best,
    nearest,
    pairs_beyond,
    turned,
)
from unembed.matching.settings import DIRECTIONS, FEWEST_DIRECTIONS, LEVEL
from unembed.matching.spaces import Seen
from unembed.progress import Report

Assignment = Literal["assignment", "mutual best"]

_STEPS = 6
_Chance = tuple[Float[Tensor, " ours"], Float[Tensor, " theirs"]]


class OfBank(NamedTuple):
    """What becomes of the features of one bank in the other.

    Attributes:
        fates: found again, split, merged or lost.
        nearest: the most alike feature of the other bank.
        opposite: the most opposite one.
        random: how many of as many random directions, like those of the bank, are found.
    """

    fates: Fates
    nearest: Nearest
    opposite: Nearest
    random: int

    @property
    def live(self) -> int:
        """How many features are not flat."""
        return int((self.nearest.row >= 0).sum())


class OneToOne(NamedTuple):
    """Two banks, matched one to one.

    Attributes:
        pairs: the one-to-one pairs, in the order of the first bank.
        cutoff: the z from which features count as alike: of random directions like those of either
            bank no more than 1 % reach it with their best match in the other.
        assignment: how pairs were chosen: an `assignment`, or `mutual best` where too many features
            are alike for one.
        ours: what becomes of the first bank's features.
        theirs: of the second's.
    """

    pairs: Alike
    cutoff: float
    assignment: Assignment
    ours: OfBank
    theirs: OfBank


def match_one_to_one(
    a: Seen,
    b: Seen,
    *,
    directions: int = DIRECTIONS,
    seed: int = 0,
    most: int = MOST_PAIRS,
    report: Report = lambda done, total: None,
) -> OneToOne:
    """Return the one-to-one matches of two banks in the space where they meet.

    Features are alike where the z of their cosine (`pairs.scaled_z`) is beyond a cut-off that
    random directions, like those of either bank and matched to the other in the same way, pass with
    their best match in at most 1 % of cases. Of all pairs that are alike, those are chosen that
    chance would make least often, no feature twice (`pairs.assigned`). So at most 1 % of features
    that have no counterpart get one by chance; beside it stands what a random decoder, of the
    same second moment and size, comes to by the whole of it.

    A feature is

    - *found again* where it has a partner,
    - *split* where it has one, and others besides add to what the partner says of it,
    - *merged* where it is alike to features of the other bank, but each is another's partner,
    - *lost* where it is alike to none.

    Args:
        a: the first bank.
        b: the second, in the same space.
        directions: random ones of either bank, at least 100.
        seed: decides them, and the random decoders.
        most: pairs for which an assignment is made.
        report: told how many steps are done.

    Raises:
        UnembedError: for too few directions.
    """
    if directions < FEWEST_DIRECTIONS:
        raise UnembedError(
            f"Matches are held against at least {FEWEST_DIRECTIONS} random directions, not "
            f"{directions}."
        )
    seeds = [4 * seed + at for at in range(4)]  # random decoders are others than the cut-off's
    chance = b.chance_with(a.rows), a.chance_with(b.rows)
    cutoff = max(
        _cutoff(a, b, chance[1], directions, seeds[0]),
        _cutoff(b, a, chance[0], directions, seeds[1]),
    )
    report(1, _STEPS)
    ours = nearest(a.rows, b.rows, *chance)
    report(2, _STEPS)
    theirs = nearest(b.rows, a.rows, *chance[::-1])
    report(3, _STEPS)
    alike, pairs, how = _paired(a, b, chance, (ours[0], theirs[0]), cutoff, most)
    report(4, _STEPS)
    fates_of_ours = fates_of(alike, pairs, b.rows, *chance, cutoff)
    fates_of_theirs = fates_of(turned(alike), turned(pairs), a.rows, *chance[::-1], cutoff)
    of_ours = OfBank(fates_of_ours, *ours, _random(a, b, chance[1], cutoff, seeds[2], most))
    report(5, _STEPS)
    of_theirs = OfBank(fates_of_theirs, *theirs, _random(b, a, chance[0], cutoff, seeds[3], most))
    report(6, _STEPS)
    return OneToOne(pairs, cutoff, how, of_ours, of_theirs)


def _cutoff(like: Seen, to: Seen, chance: Float[Tensor, " to"], count: int, seed: int) -> float:
    """Return the z that 1 % of random directions like a bank's have with their best in another."""
    drawn = like.drawn(count, seed)
    z = nearest(drawn, to.rows, to.chance_with(drawn), chance)[0].z
    known = z[~np.isnan(z)]
    return float(np.quantile(known, 1 - LEVEL)) if len(known) else float("nan")


def _paired(
    a: Seen, b: Seen, chance: _Chance, best: tuple[Nearest, Nearest], cutoff: float, most: int
) -> tuple[Alike, Alike, Assignment]:
    """Return the pairs that are alike, the one-to-one pairs among them, and how these are chosen.

    Where the alike ones are too many to be held, they are the best of each feature.
    """
    alike = pairs_beyond(a.rows, b.rows, *chance, cutoff, most)
    if alike is None:
        return best_of_both(*best, cutoff), mutual_best(*best, cutoff), "mutual best"
    chosen = assigned(alike, len(a.rows), len(b.rows))
    return alike, chosen_of(alike, chosen), "assignment"


def _random(
    like: Seen, to: Seen, chance: Float[Tensor, " to"], cutoff: float, seed: int, most: int
) -> int:
    """Return how many pairs a random decoder like a bank makes with another bank."""
    live = int(like.rows.any(dim=1).sum())
    if not live:
        return 0
    random = Seen(like.drawn(live, seed), like.half, like.moment)
    of_both = to.chance_with(random.rows), chance
    best = (nearest(random.rows, to.rows, *of_both)[0],
            nearest(to.rows, random.rows, *of_both[::-1])[0])  # fmt: skip
    return len(_paired(random, to, of_both, best, cutoff, most)[1].z)
