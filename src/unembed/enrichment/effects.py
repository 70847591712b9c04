"""`Effects`: what is tested, as vectors δ of the residual stream.

A token set's δ is the mean of its rows of W_U, so that δ·w is the set's mean logit weight. A
contrast's is the difference of two means, and that of a property of tokens (log frequency, length)
is its covariance with the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from unembed.enrichment.sums import set_sums
from unembed.errors import ShapeError, TokenSetError, UnembedError, WeightError
from unembed.products import array_product
from unembed.sweep import Membership
from unembed.tokensets import TokenSets
from unembed.unembedding import Unembedding

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_PIECE = 4096
_NOTHING = 1e-6
"""A δ this much shorter than the rms row of W_U is rounding: nothing can be said of it."""


class Contrast(NamedTuple):
    """One token set against another, such as girls' names against boys' names.

    Attributes:
        token_sets: holds both.
        promoted: the set whose mean logit weight counts up.
        against: the set whose mean counts down.
    """

    token_sets: TokenSets
    promoted: str
    against: str

    @property
    def name(self) -> str:
        """What the test is called."""
        return f"{self.promoted} − {self.against}"


Testable = TokenSets | Sequence[Contrast] | Mapping[str, npt.ArrayLike]


@dataclass(frozen=True, eq=False)
class Effects:
    """S vectors δ against which features are tested.

    Attributes:
        names: of the sets, contrasts or properties.
        delta: [S, d_model] float64, over the centred W_U.
        sizes: [S] tokens in each set; 0 for contrasts and properties.
        testable: [S] False where δ is zero but for rounding: a set without a member or without a
            token outside it, two sets that are the same, a constant property.
    """

    names: tuple[str, ...]
    delta: Float[np.ndarray, "sets d_model"]
    sizes: I64
    testable: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.names)


def effects_of(tested: Testable, unembedding: Unembedding) -> Effects:
    """Return the δ of token sets, contrasts, or weighted token properties.

    Args:
        tested: `TokenSets`; a sequence of `Contrast`; or named properties, each with one finite
            value for all V tokens (those of masked tokens are ignored). A property is centred and
            scaled to standard deviation 1, so that its t is Pearson's correlation with the
            feature's logit weights.
        unembedding: of the same vocabulary.

    Raises:
        TokenSetError: when the sets are of another vocabulary, or hold masked tokens.
        ShapeError: when a property has not one value a token.
        WeightError: when a property has NaN or infinite values.
        UnembedError: when there is nothing to test.
    """
    if not len(tested):
        raise UnembedError("There is nothing to test: name at least one token set.")
    if isinstance(tested, TokenSets):
        names, delta, sizes = _of_sets(tested, unembedding)
    elif isinstance(tested, Mapping):
        names, delta, sizes = _of_properties(tested, unembedding)
    else:
        names, delta, sizes = _of_contrasts(tested, unembedding)
    testable = np.linalg.norm(delta, axis=1) > _NOTHING * unembedding.rms
    return Effects(names, delta, sizes, testable)


def permuted_effects(
    effects: Effects, membership: Membership, unembedding: Unembedding, order: I64
) -> Effects:
    """Return token sets as they would be if tokens changed places, as large as they are.

    Args:
        effects: of the sets.
        membership: the same over the rows of W_U.
        unembedding: of the sets.
        order: [n] which row each row becomes.
    """
    rows = order[membership.rows].astype(np.int32)
    sums = set_sums(unembedding.W_U.numpy(), membership.indptr, rows)
    return replace(effects, delta=sums / np.maximum(effects.sizes, 1)[:, None])


def rows_of(token_sets: TokenSets, unembedding: Unembedding) -> npt.NDArray[np.int32]:
    """Return [memberships] the rows of W_U that the sets' tokens have, in the sets' order.

    Raises:
        TokenSetError: when the sets are of another vocabulary, or hold tokens without a row.
    """
    theirs, ours = token_sets.vocabulary, unembedding.vocabulary
    if theirs is not ours and not _agree(theirs.token_bytes, ours.token_bytes):
        raise TokenSetError(
            f"The token sets were built for {theirs!r}, but the unembedding {unembedding.name} has "
            f"{ours!r}, and their tokens differ. Build them for unembedding.vocabulary."
        )
    row_of_id = np.full(max(len(theirs), len(ours)), -1, np.int32)
    row_of_id[unembedding.token_ids] = np.arange(unembedding.n_tokens, dtype=np.int32)
    rows: npt.NDArray[np.int32] = row_of_id[token_sets.ids]
    if (rows < 0).any():
        token = token_sets.ids[int(np.argmin(rows))]
        raise TokenSetError(
            f"Token {token} ({theirs.texts[token]!r}) is in a token set, but is masked in "
            f"{unembedding.name}: it takes part in nothing. Build the sets for "
            "unembedding.vocabulary."
        )
    return rows


def _agree(one: Sequence[bytes], other: Sequence[bytes]) -> bool:
    """Whether two vocabularies are the same but for padding at the end."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared] and not any((*one[shared:], *other[shared:]))


def _of_sets(token_sets: TokenSets, unembedding: Unembedding) -> tuple[tuple[str, ...], F64, I64]:
    sizes = token_sets.sizes
    sums = set_sums(unembedding.W_U.numpy(), token_sets.indptr, rows_of(token_sets, unembedding))
    return token_sets.names, sums / np.maximum(sizes, 1)[:, None], sizes


def _of_contrasts(
    contrasts: Iterable[Contrast], unembedding: Unembedding
) -> tuple[tuple[str, ...], F64, I64]:
    names, rows = [], []
    for contrast in contrasts:
        pair = contrast.token_sets.select([contrast.promoted, contrast.against])
        _, means, _ = _of_sets(pair, unembedding)
        names.append(contrast.name)
        rows.append(means[0] - means[1])
    return tuple(names), np.stack(rows), np.zeros(len(rows), np.int64)


def _of_properties(
    properties: Mapping[str, npt.ArrayLike], unembedding: Unembedding
) -> tuple[tuple[str, ...], F64, I64]:
    rows = []
    W_U = unembedding.W_U.numpy()
    for name, values in properties.items():
        x = np.asarray(values, np.float64)
        if x.shape != (len(unembedding.vocabulary),):
            raise ShapeError(
                f"The property {name!r} has shape {x.shape}; give one value for each of the "
                f"{len(unembedding.vocabulary):,} tokens."
            )
        x = x[unembedding.token_ids]
        if not np.isfinite(x).all():
            raise WeightError(
                f"The property {name!r} has NaN or infinite values for "
                f"{np.count_nonzero(~np.isfinite(x)):,} unmasked tokens. Give each a value."
            )
        spread = x.std()
        scaled = (x - x.mean()) / (spread or 1.0)
        rows.append(
            sum(
                array_product(part, W_U[at : at + _PIECE].astype(np.float64))
                for at, part in _pieces(scaled)
            )
            / len(x)
        )
    return tuple(properties), np.stack(rows), np.zeros(len(rows), np.int64)


def _pieces(values: F64) -> Iterable[tuple[int, F64]]:
    for at in range(0, len(values), _PIECE):
        yield at, values[at : at + _PIECE]
