"""TSEA of a tile through torch alone, on a GPU or any other device.

Sets of about one size stand side by side, so that each step is of a whole block of numbers: their
members' ranks are sorted along it, and its extremes found. What is added up are whole numbers, also
where hits weigh differently: they come to the same in any order, and so to the same bits again on a
GPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.sweep.device import BYTES, at_once
from unembed.sweep.settings import Weight
from unembed.sweep.tsea.membership import Membership
from unembed.sweep.tsea.ranking import Ranking
from unembed.sweep.tsea.readings import TseaReadings

I8 = npt.NDArray[np.int8]
I64 = npt.NDArray[np.int64]

_PLACE = 21
_LAST = 2**_PLACE - 1
_BITS = 62
"""Of a whole number that holds the sum of a set's hits."""


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
    twice, blocks, membership = membership.twice, membership.blocks, membership.as_read
    out = TseaReadings.nothing((len(z), len(membership)))
    numbers = np.flatnonzero(membership.testable)
    if not len(numbers):
        return twice.of_sets(out)
    step = at_once(8 * z.shape[1])
    sets, sizes = _on(z.device, membership), membership.sizes[numbers]
    for start in range(0, len(z), step):
        part = slice(start, start + step)
        ranking = Ranking.of(z[part], weight, blocks)
        found, chosen = [], []
        for some in _alike(sizes, BYTES // (8 * len(ranking.ranks))):
            block = sets.side_by_side(numbers[some], sizes[some], twice.side[numbers[some]])
            found.append(_read(ranking, ranking.ranks[:, block.members], block))
            chosen.append(numbers[some])
        _fill(out, (part, np.concatenate(chosen)), found)
    return twice.of_sets(out)


def read_pairs(
    z: Float[Tensor, "tile tokens"], row: I64, token_set: I64, membership: Membership,
    weight: Weight = "none",
) -> TseaReadings:  # fmt: skip
    """Return the enrichment of single pairs [P].

    Args:
        z: [T, n] standardised logit weights.
        row: [P] of z, ascending.
        token_set: [P] testable sets.
        membership: the sets, over the same n rows of W_U.
        weight: what a hit adds.
    """
    twice, blocks, membership = membership.twice, membership.blocks, membership.as_read
    row, token_set, of = twice.pairs(row, token_set)
    out = TseaReadings.nothing((len(row),))
    sets, sizes = _on(z.device, membership), membership.sizes[token_set]
    step = at_once(8 * z.shape[1])
    read, of_row = np.unique(row, return_inverse=True)
    for start in range(0, len(read), step):
        first, stop = np.searchsorted(of_row, (start, start + step))
        rows = torch.from_numpy(read[start : start + step]).to(z.device)
        ranking = Ranking.of(z[rows], weight, blocks)
        found, chosen = [], []
        for some in _alike(sizes[first:stop], BYTES // 8):
            pairs = some + first
            block = sets.side_by_side(
                token_set[pairs], sizes[pairs], twice.side[token_set[pairs]]
            )  # fmt: skip
            own = torch.from_numpy(of_row[pairs] - start).to(z.device)[:, None]
            found.append(_read(ranking, ranking.ranks[own, block.members][None], block, own))
            chosen.append(pairs)
        _fill(out, (np.concatenate(chosen),), [[each[0] for each in block] for block in found])
    return twice.of_pairs(out, of)


class _Block(NamedTuple):
    """Sets side by side, on a device.

    Attributes:
        members: [K, most] the rows of W_U that each holds; n where it holds no more.
        m: [K, 1] how many.
        side: [K] which extreme counts (`blocks`).
    """

    members: Int[Tensor, "sets most"]
    m: Int[Tensor, "sets one"]
    side: Int[Tensor, " sets"]


class _Sets(NamedTuple):
    """Token sets on a device (`Membership`)."""

    indptr: Tensor
    rows: Tensor
    n_tokens: int

    def side_by_side(self, numbers: I64, sizes: I64, side: I8) -> _Block:
        """Return some sets.

        Args:
            numbers: [K] theirs.
            sizes: [K] theirs: asking the device would be waiting for it.
            side: [K] which extreme of each counts.
        """
        chosen = torch.from_numpy(numbers).to(self.indptr.device)
        first, m = self.indptr[chosen, None], self.indptr[chosen + 1, None]
        m = m - first
        place = torch.arange(int(sizes.max()), device=chosen.device)
        at = (first + place).clamp_max(len(self.rows) - 1)
        members = torch.where(place < m, self.rows[at].long(), self.n_tokens)
        return _Block(members, m, torch.from_numpy(side).to(chosen.device))


_there: WeakKeyDictionary[Membership, dict[torch.device, _Sets]] = WeakKeyDictionary()


def _on(device: torch.device, membership: Membership) -> _Sets:
    """Return token sets on a device, where they stay as long as the sets are here."""
    sets = _there.setdefault(membership, {})
    if device not in sets:
        indptr, rows = (
            torch.from_numpy(np.require(each, None, "W")).to(device)
            for each in (membership.indptr, membership.rows)
        )
        sets[device] = _Sets(indptr, rows, membership.n_tokens)
    return sets[device]


def _alike(sizes: I64, most: int) -> Iterator[I64]:
    """Yield which sets are read together: some of about one size, of so many members in all."""
    order = np.argsort(-sizes, kind="stable")
    falling, at = -sizes[order], 0
    while at < len(order):
        largest = -int(falling[at])
        halved = int(np.searchsorted(falling, -largest / 2, "right"))
        stop = min(halved, at + max(1, most // largest))
        yield order[at:stop]
        at = stop


def _read(
    ranking: Ranking, ranks: Tensor, block: _Block, own: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return ES, peak and AUROC [R, K] of sets that stand side by side.

    Args:
        ranking: of the rows.
        ranks: [R, K, most] of the members, in any order; n where there is none.
        block: the sets.
        own: [K, 1] where each set is read in a row of its own: which one. R is 1 then.
    """
    n, m = ranking.ranks.shape[1] - 1, block.m
    ranks = ranks.sort(dim=2).values.long()
    before = torch.arange(ranks.shape[2], device=ranks.device)
    held = before < m
    size = m[:, 0].double()
    total = torch.where(held, ranks, 0).sum(2).double()
    auroc = 1 - (total - size * (size - 1) / 2) / (size * (n - size))
    if ranking.weights is None:
        return *_unweighted(ranks, before, held, block, n), auroc
    if len(ranking.weights) == 1:
        hit = ranking.weights[0, ranks]
    elif own is None:
        hit = ranking.weights.gather(1, ranks.flatten(1)).view(ranks.shape)
    else:
        hit = ranking.weights[own, ranks]
    return *_weighted(ranks, hit, before, held, block, n), auroc


def _unweighted(
    ranks: Tensor, before: Tensor, held: Tensor, block: _Block, n: int
) -> tuple[Tensor, Tensor]:
    """ES in whole numbers; below D stands the place, so that the first of equal extremes counts.

    Args:
        ranks: [R, K, most] of the members, rising.
        before: [most] how many members of the same set come before.
        held: [K, most] whether there is a member.
        block: the sets.
        n: the number of tokens.
    """
    m = block.m
    D = before * n - ranks * m
    ends = torch.iinfo(torch.int64)
    bottom = torch.where(held, (D << _PLACE) | ranks, ends.max).amin(2)
    top = torch.where(held, ((D + (n - m)) << _PLACE) | (_LAST - ranks - 1), ends.min).amax(2)
    pairs = (m * (n - m))[:, 0].double()
    tops, bottoms = (top >> _PLACE) / pairs, (bottom >> _PLACE) / pairs
    return _signed(tops, _LAST - (top & _LAST), bottoms, bottom & _LAST, block.side)


def _weighted(
    ranks: Tensor, hit: Tensor, before: Tensor, held: Tensor, block: _Block, n: int
) -> tuple[Tensor, Tensor]:
    """ES of hits that weigh differently: `hit`, of each member by its rank.

    Hits are rounded to whole numbers, the heaviest of each set to as large a one as lets the sum of
    all be one: sets may differ by many orders.
    """
    m = block.m
    heaviest = hit.amax(2, keepdim=True)
    share = torch.where(heaviest > 0, hit / heaviest, held.double())
    whole = 2.0 ** (_BITS - torch.ceil(torch.log2(m.double())))
    hit = (share * whole).round().long()
    gained = hit.cumsum(2)
    total = gained[:, :, -1:].double()
    lost = (ranks - before).double() / (n - m).double()
    after = torch.where(held, gained.double() / total - lost, -torch.inf)
    ahead = torch.where(held, (gained - hit).double() / total - lost, torch.inf)
    top, bottom = after.amax(2), ahead.amin(2)
    top_at = torch.where(after == top[:, :, None], ranks + 1, n).amin(2)
    bottom_at = torch.where(ahead == bottom[:, :, None], ranks, n).amin(2)
    return _signed(top, top_at, bottom, bottom_at, block.side)


def _signed(
    top: Tensor, top_at: Tensor, bottom: Tensor, bottom_at: Tensor, side: Tensor
) -> tuple[Tensor, Tensor]:
    promotes = (side > 0) | ((side == 0) & (top >= -bottom))
    return torch.where(promotes, top, bottom), torch.where(promotes, top_at, bottom_at)


def _fill(
    out: TseaReadings, place: tuple[slice | I64, ...], found: Sequence[Sequence[Tensor]]
) -> None:
    """Fill in what was read of sets, block after block."""
    for values, blocks in zip(out, zip(*found, strict=True), strict=True):
        values[place] = torch.cat(blocks, dim=-1).cpu().numpy()
