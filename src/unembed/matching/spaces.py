"""`Meeting`: one space that the directions of two banks are taken to, whatever is read of both.

Two banks meet in what both can be asked the same of: their directions themselves, where they are
written into one stream; the logit weights of the same tokens; z of the same token sets. All of that
is linear in a direction, X_a v of the one and X_b w of the other, with rows of X that belong
together. So with any root R of the covariance of [X_a X_b], [d_a + d_b, k], and its halves
R_a = R[: d_a] and R_b = R[d_a :],

    cos(X_a v, X_b w) = v R_a · w R_b / (|v R_a| |w R_b|)

and features are rows of length 1 whose dot products are the cosines, within a bank and between two.
What is read is never formed: [F, d_a + d_b] in place of [F, V].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from unembed.enrichment import SecondMoment
from unembed.errors import ShapeError
from unembed.products import cholesky, lengths, sum_of, sums
from unembed.similarity import chance_of_rows, seen_rows
from unembed.symmetric import gram
from unembed.unembedding import Unembedding

_ROWS_AT_ONCE = 16_384
_TINY = 1e-30


class Half(NamedTuple):
    """What takes the directions of one bank to the common space.

    Attributes:
        root: [d_model, k] float32.
        rms: its length.
    """

    root: Float[Tensor, "d_model k"]
    rms: float

    @classmethod
    def of(cls, root: Float[Tensor, "d_model k"]) -> Half:
        """Return it with its length."""
        return cls(root, float(lengths(root.reshape(1, -1))))


class Meeting(NamedTuple):
    """The common space of two banks.

    Attributes:
        ours: of the first bank.
        theirs: of the second.
    """

    ours: Half
    theirs: Half


def by_directions(d_model: int) -> Meeting:
    """Return the meeting of banks in one stream: cosines are those of their directions."""
    same = Half.of(torch.eye(d_model, dtype=torch.float32, device="cpu"))
    return Meeting(same, same)


def by_logit_weights(unembedding: Unembedding) -> Meeting:
    """Return the meeting of banks that one unembedding reads (`unembed.similarity`)."""
    same = Half(unembedding.root, unembedding.rms)
    return Meeting(same, same)


def by_readings(
    ours: Float[Tensor, "rows d_a"], theirs: Float[Tensor, "rows d_b"], *, centred: bool = False
) -> Meeting:
    """Return the meeting of banks of which the same things are read, by different matrices.

    Args:
        ours: [n, d_a] X_a: what is read of a direction v of the first bank is X_a v.
        theirs: [n, d_b] X_b: its rows read the same of a direction of the second.
        centred: subtract the mean row of either, so that cosines are correlations.

    Raises:
        ShapeError: when they have not the same rows, or none.
    """
    if len(ours) != len(theirs) or not len(ours):
        raise ShapeError(
            f"What is read of two banks should be the same things of both, but it is {len(ours)} "
            f"of the one and {len(theirs)} of the other."
        )
    width = ours.shape[1]
    both = gram(_parts(ours, theirs, centred), width + theirs.shape[1], torch.float64)
    root = cholesky(both).float()
    return Meeting(Half.of(root[:width].contiguous()), Half.of(root[width:].contiguous()))


def _parts(ours: Tensor, theirs: Tensor, centred: bool) -> Iterator[Tensor]:
    """Yield [X_a X_b] some rows at a time, either of length 1 as a whole."""
    sides = []
    for each in (ours, theirs):
        mean = (
            sums(each.double(), 0) / len(each)
            if centred
            else each.new_zeros(each.shape[1]).double()
        )
        parts = torch.split(each, _ROWS_AT_ONCE)
        squares = sum(sum_of((part.double() - mean).square()) for part in parts)
        sides.append((each, mean, max(squares, _TINY) ** 0.5))
    for start in range(0, len(ours), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        yield torch.cat([(x[rows].double() - mean) / size for x, mean, size in sides], 1)


@dataclass(frozen=True, eq=False)
class Seen:
    """A bank in the space where it meets another.

    Attributes:
        rows: [F, k] of length 1; zeros for features that write nothing there.
        half: what took them there.
        moment: what the bank's directions are like, before that.
    """

    rows: Float[Tensor, "features k"]
    half: Half
    moment: SecondMoment

    @classmethod
    def of(cls, W_dec: Float[Tensor, "features d"], moment: SecondMoment, half: Half) -> Seen:
        """Return a bank's features in the common space."""
        return cls(seen_rows(W_dec, *half), half, moment)

    def drawn(self, count: int, seed: int) -> Float[Tensor, "count k"]:
        """Return random directions like the bank's there."""
        return seen_rows(self.moment.draw(count, seed), *self.half)

    def chance_with(self, rows: Float[Tensor, "others k"]) -> Float[Tensor, " others"]:
        """Return the spread of the cosines of random directions like the bank's with some rows."""
        moment = self.moment.matrix
        return chance_of_rows(self.half.root, rows, moment).clamp_min(_TINY)
