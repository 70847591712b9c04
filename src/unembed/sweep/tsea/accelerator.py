"""TSEA of a tile through torch alone, on a GPU or any other device."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.sweep.accelerator import ordered
from unembed.sweep.settings import Weight
from unembed.sweep.tsea.membership import Membership
from unembed.sweep.tsea.readings import TseaReadings, normal_scores

_BYTES = 2**28
_PLACE = 21
_LAST = 2**_PLACE - 1


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
    device = z.device
    sets = torch.from_numpy(membership.testable.nonzero()[0]).to(device)
    sizes = torch.from_numpy(membership.sizes).to(device)
    kept = torch.repeat_interleave(torch.from_numpy(membership.testable).to(device), sizes)
    rows = torch.from_numpy(membership.rows).to(device)[kept].long()
    owner = torch.repeat_interleave(torch.arange(len(sets), device=device), sizes[sets])
    n, m = z.shape[1], sizes[sets]
    scores = torch.from_numpy(normal_scores(n)).to(device) if weight == "normal-scores" else None
    shape = (len(z), len(membership))
    es = torch.zeros(shape, dtype=torch.float64, device=device)
    peak = torch.zeros(shape, dtype=torch.int32, device=device)
    auroc = torch.full(shape, 0.5, dtype=torch.float64, device=device)
    if len(sets):
        at_once = max(1, _BYTES // (8 * max(len(rows), n)))
        for start in range(0, len(z), at_once):
            part = slice(start, start + at_once)
            order = ordered(z[part], n)
            rank = _ranks(order)
            ranks = (owner * n + rank[:, rows]).sort(dim=1).values - owner * n
            if weight == "none":
                found = _unweighted(ranks, owner, m, n)
            else:
                weights = z[part].gather(1, order).abs().double() if scores is None else scores
                hit = weights.expand(len(ranks), n).gather(1, ranks)
                found = _weighted(ranks, hit, owner, m, n)
            es[part, sets], peak[part, sets] = found[0], found[1].int()
            auroc[part, sets] = _auroc(ranks, owner, m, n)
    return TseaReadings(es.cpu().numpy(), peak.cpu().numpy(), auroc.cpu().numpy())


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
    rows = torch.from_numpy(membership.rows).to(device).long()
    scores = torch.from_numpy(normal_scores(n)).to(device) if weight == "normal-scores" else None
    for part in _parts(row, membership.sizes[token_set], n):
        read, of_row = np.unique(row[part], return_inverse=True)
        tile = z[torch.from_numpy(read).to(device)]
        order = ordered(tile, n)
        sizes, first = membership.sizes[token_set[part]], membership.indptr[token_set[part]]
        m = torch.from_numpy(sizes).to(device)
        owner = torch.repeat_interleave(torch.arange(len(m), device=device), m)
        at = torch.arange(len(owner), device=device) + torch.from_numpy(
            np.repeat(first - (np.cumsum(sizes) - sizes), sizes)
        ).to(device)
        of_member = torch.from_numpy(of_row).to(device)[owner]
        ranks = (owner * n + _ranks(order)[of_member, rows[at]]).sort().values - owner * n
        if weight == "none":
            found = _unweighted(ranks[None], owner, m, n)
        else:
            weights = tile.gather(1, order).abs().double() if scores is None else scores
            hit = weights.expand(len(read), n)[of_member, ranks]
            found = _weighted(ranks[None], hit[None], owner, m, n)
        out.es[part], out.peak[part] = found[0][0].cpu().numpy(), found[1][0].cpu().numpy()
        out.auroc[part] = _auroc(ranks[None], owner, m, n)[0].cpu().numpy()
    return out


def _parts(row: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], n: int) -> Iterator[slice]:
    """Yield stretches of pairs that fit into memory together: their members, and their rows."""
    most, start = _BYTES // 8, 0
    while start < len(row):
        members = np.cumsum(sizes[start:])
        rows = np.cumsum(np.diff(row[start:], prepend=-1) > 0) * n
        stop = start + max(1, int(np.searchsorted(np.maximum(members, rows), most, "right")))
        yield slice(start, stop)
        start = stop


def _ranks(order: Tensor) -> Int[Tensor, "part tokens"]:
    """Return the rank of each row of W_U, from 0."""
    places = torch.arange(order.shape[1], device=order.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places)


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
    """ES of hits that weigh differently: `hit`, of each member by its rank."""
    ends = torch.cumsum(m, 0) - 1
    heavy = torch.zeros(len(ranks), len(m), dtype=torch.bool, device=ranks.device)
    heavy.scatter_reduce_(1, owner.expand_as(ranks), hit > 0, "amax")
    hit = torch.where(heavy[:, owner], hit, 1.0)
    total = hit.new_zeros(len(ranks), len(m)).scatter_add_(1, owner.expand_as(ranks), hit)
    hit = hit / total[:, owner]  # before it is summed up: sets may differ by many orders
    gained = hit.cumsum(1)
    upto = torch.cat([torch.zeros_like(gained[:, :1]), gained[:, ends[:-1]]], 1)
    lost = (ranks - _hits(owner, m)).double() / (n - m)[owner].double()
    after = gained - upto[:, owner] - lost
    before = after - hit
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
