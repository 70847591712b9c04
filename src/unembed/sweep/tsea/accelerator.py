"""TSEA of a tile through torch alone, on a GPU or any other device.

What is added up are whole numbers, also where hits weigh differently: they come to the same in any
order, and so to the same bits again on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.sweep.accelerator import BYTES, at_once
from unembed.sweep.settings import Weight
from unembed.sweep.tsea.membership import Membership
from unembed.sweep.tsea.readings import TseaReadings, normal_scores

_PLACE = 21
_LAST = 2**_PLACE - 1
_BITS = 62
"""Of a whole number that holds the sum of a set's hits."""
_INT32 = 2**31


def read_tile(
    z: Float[Tensor, "tile tokens"], membership: Membership, weight: Weight = "none"
) -> TseaReadings:
    """Return the enrichment of every set in every row of a tile.

    Given the same z, equal to the CPU reader's to the last bit (`none`), or to the rounding of
    float64 sums (other weights).

    Args:
        z: [T, n] standardised logit weights.
        membership: the sets, over the same n rows of W_U.
        weight: what a hit adds.
    """
    n, testable = z.shape[1], membership.testable
    out = TseaReadings.nothing((len(z), len(membership)))
    if not testable.any():
        return out
    sets = _on(z.device, membership)
    chosen = torch.from_numpy(np.flatnonzero(testable)).to(z.device)
    rows, owner, m = sets.of(chosen, int(membership.sizes[testable].sum()))
    scores = _scores(weight, n, z.device)
    step = at_once(8 * max(len(rows), n))
    for start in range(0, len(z), step):
        part = slice(start, start + step)
        order = _order(z[part])
        ranks = _in_sets(_ranks(order)[:, rows], owner, len(m), n)
        found = _read(ranks, z[part], order, None, scores, owner, m, weight)
        for values, of_part in zip(out, found, strict=True):
            values[part, testable] = of_part.cpu().numpy()
    return out


def read_pairs(
    z: Float[Tensor, "tile tokens"],
    row: npt.NDArray[np.int64],
    token_set: npt.NDArray[np.int64],
    membership: Membership,
    weight: Weight = "none",
) -> TseaReadings:
    """Return the enrichment of single pairs [P]: each is to the others as one more set.

    Args:
        z: [T, n] standardised logit weights.
        row: [P] of z, ascending.
        token_set: [P] testable sets.
        membership: the sets, over the same n rows of W_U.
        weight: what a hit adds.
    """
    device, n = z.device, z.shape[1]
    out = TseaReadings.nothing((len(row),))
    if not len(row):
        return out
    sets, sizes = _on(device, membership), membership.sizes[token_set]
    scores = _scores(weight, n, device)
    for part in _parts(row, sizes, n):
        read, of_row = np.unique(row[part], return_inverse=True)
        tile = z[torch.from_numpy(read).to(device)]
        order = _order(tile)
        chosen = torch.from_numpy(token_set[part]).to(device)
        rows, owner, m = sets.of(chosen, int(sizes[part].sum()))
        of_member = torch.from_numpy(of_row).to(device)[owner]
        ranks = _in_sets(_ranks(order)[of_member, rows][None], owner, len(m), n)
        found = _read(ranks, tile, order, of_member[None], scores, owner, m, weight)
        for values, of_part in zip(out, found, strict=True):
            values[part] = of_part[0].cpu().numpy()
    return out


class _Sets(NamedTuple):
    """Token sets on a device (`Membership`)."""

    indptr: Tensor
    rows: Tensor

    def of(self, chosen: Int[Tensor, " some"], members: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the rows of some sets, one set after the other, whose they are, and the sizes.

        Args:
            chosen: numbers of the sets.
            members: of all of them together: asking the device would be waiting for it.
        """
        first, m = self.indptr[chosen], self.indptr[chosen + 1] - self.indptr[chosen]
        numbers = torch.arange(len(m), device=m.device)
        owner = torch.repeat_interleave(numbers, m, output_size=members)
        start = (first - (torch.cumsum(m, 0) - m))[owner]
        at = start + torch.arange(members, device=m.device)
        return self.rows[at].long(), owner, m


_there: WeakKeyDictionary[Membership, dict[torch.device, _Sets]] = WeakKeyDictionary()


def _on(device: torch.device, membership: Membership) -> _Sets:
    """Return token sets on a device, where they stay as long as the sets are here."""
    sets = _there.setdefault(membership, {})
    if device not in sets:
        arrays = (np.require(each, None, "W") for each in (membership.indptr, membership.rows))
        sets[device] = _Sets(*(torch.from_numpy(array).to(device) for array in arrays))
    return sets[device]


def _scores(weight: Weight, n_tokens: int, device: torch.device) -> Tensor | None:
    """Return what a hit at each rank weighs, where that depends on the rank alone."""
    if weight != "normal-scores":
        return None
    return torch.from_numpy(normal_scores(n_tokens)).to(device)


def _read(
    ranks: Tensor,
    z: Tensor,
    order: Tensor,
    of_member: Tensor | None,
    scores: Tensor | None,
    owner: Tensor,
    m: Tensor,
    weight: Weight,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return ES, peak and AUROC from the ranks of members, rising within each set.

    Args:
        ranks: [part, memberships] of each row that is read, or [1, memberships] of single pairs.
        z: the rows.
        order: their tokens in order.
        of_member: [1, memberships] whose of the rows each rank is; None where all are read alike.
        scores: what a hit at each rank weighs, if not by z.
        owner: [memberships] the set of each, rising.
        m: [sets] their sizes.
        weight: what a hit adds.
    """
    n = z.shape[1]
    auroc = _auroc(ranks, owner, m, n)
    if weight == "none":
        return *_unweighted(ranks, owner, m, n), auroc
    if scores is not None:
        hit = scores[ranks]
    else:
        weights = z.gather(1, order).abs()
        hit = weights.gather(1, ranks) if of_member is None else weights[of_member, ranks]
    return *_weighted(ranks, hit.double(), owner, m, n), auroc


def _parts(row: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], n: int) -> Iterator[slice]:
    """Yield stretches of pairs that fit into memory together: their members, and their rows."""
    most, start = BYTES // 8, 0
    while start < len(row):
        members = np.cumsum(sizes[start:])
        rows = np.cumsum(np.diff(row[start:], prepend=-1) > 0) * n
        stop = start + max(1, int(np.searchsorted(np.maximum(members, rows), most, "right")))
        yield slice(start, stop)
        start = stop


def _order(z: Tensor) -> Int[Tensor, "part tokens"]:
    """Return the rows of W_U, largest weight first; equal weights, also -0.0 and 0.0, in order."""
    return (z + 0.0).sort(dim=1, descending=True, stable=True).indices


def _ranks(order: Tensor) -> Int[Tensor, "part tokens"]:
    """Return the rank of each row of W_U, from 0."""
    places = torch.arange(order.shape[1], dtype=torch.int32, device=order.device)
    ranks = torch.empty(order.shape, dtype=torch.int32, device=order.device)
    return ranks.scatter_(1, order, places.expand_as(order))


def _in_sets(ranks: Tensor, owner: Tensor, sets: int, n: int) -> Int[Tensor, "part memberships"]:
    """Return the ranks of members, rising within each set; half as wide numbers sort faster."""
    start = owner * n
    if sets * n < _INT32:
        start = start.int()
    return ((ranks + start).sort(dim=1).values - start).long()


def _hits(owner: Tensor, m: Tensor) -> Int[Tensor, " memberships"]:
    """How many members of the same set come before, in rank order."""
    starts = torch.cumsum(m, 0) - m
    return torch.arange(len(owner), device=owner.device) - starts[owner]


def _auroc(ranks: Tensor, owner: Tensor, m: Tensor, n: int) -> Float[Tensor, "part sets"]:
    total = torch.zeros(len(ranks), len(m), dtype=torch.int64, device=ranks.device)
    total.scatter_add_(1, owner.expand_as(ranks), ranks)
    wide = m.double()
    auroc: Tensor = 1 - (total - wide * (wide - 1) / 2) / (wide * (n - wide))
    return auroc


def _unweighted(ranks: Tensor, owner: Tensor, m: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """ES in whole numbers; below D stands the place, so that the first of equal extremes counts."""
    size = m[owner]
    before = _hits(owner, m) * n - ranks * size
    low = (before << _PLACE) | ranks
    high = ((before + n - size) << _PLACE) | (_LAST - ranks - 1)
    bottom, top = _extremes(low, high, owner, len(m))
    pairs = m.double() * (n - m).double()
    return _signed(
        (top >> _PLACE) / pairs, _LAST - (top & _LAST), (bottom >> _PLACE) / pairs, bottom & _LAST
    )


def _weighted(
    ranks: Tensor, hit: Tensor, owner: Tensor, m: Tensor, n: int
) -> tuple[Tensor, Tensor]:
    """ES of hits that weigh differently: `hit`, of each member by its rank.

    Hits are rounded to whole numbers, the heaviest of each set to as large a one as lets the sum of
    all be one: sets may differ by many orders. What runs over in the sum over sets goes again where
    that before each set is taken away.
    """
    ends = torch.cumsum(m, 0) - 1
    heaviest = hit.new_zeros(len(hit), len(m))
    heaviest.scatter_reduce_(1, owner.expand_as(ranks), hit, "amax")
    share = torch.where(heaviest[:, owner] > 0, hit / heaviest[:, owner], 1.0)
    whole = 2.0 ** (_BITS - torch.ceil(torch.log2(m.double())))
    hit = (share * whole[owner]).round().long()
    gained = hit.cumsum(1)
    upto = torch.cat([torch.zeros_like(gained[:, :1]), gained[:, ends[:-1]]], 1)
    gained -= upto[:, owner]
    total = gained[:, ends].double()[:, owner]
    lost = (ranks - _hits(owner, m)).double() / (n - m)[owner].double()
    after = gained.double() / total - lost
    before = (gained - hit).double() / total - lost
    bottom, top = _extremes(before, after, owner, len(m))
    top_at = _first(after == top[:, owner], ranks + 1, owner, len(m), n)
    bottom_at = _first(before == bottom[:, owner], ranks, owner, len(m), n)
    return _signed(top, top_at, bottom, bottom_at)


def _extremes(low: Tensor, high: Tensor, owner: Tensor, sets: int) -> tuple[Tensor, Tensor]:
    """Return the smallest of `low`, and the largest of `high`, of each set."""
    index = owner.expand_as(low)
    empty = low.new_zeros(len(low), sets)
    return (
        empty.scatter_reduce(1, index, low, "amin", include_self=False),
        empty.scatter_reduce(1, index, high, "amax", include_self=False),
    )


def _first(chosen: Tensor, places: Tensor, owner: Tensor, sets: int, n: int) -> Tensor:
    """Return the smallest chosen place of each set."""
    start = places.new_full((len(places), sets), n)
    return start.scatter_reduce(
        1, owner.expand_as(places), torch.where(chosen, places, n), "amin", include_self=True
    )


def _signed(
    top: Tensor, top_at: Tensor, bottom: Tensor, bottom_at: Tensor
) -> tuple[Tensor, Tensor]:
    promotes = top >= -bottom
    return torch.where(promotes, top, bottom), torch.where(promotes, top_at, bottom_at)
