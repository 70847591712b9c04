"""`Unembedding`: W_U, prepared so that logit weights are one product away."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unembed.cached_array import kept_array
from unembed.errors import ShapeError, UnembedError, VocabularyError, WeightError
from unembed.facts import UnembeddingFacts
from unembed.lens import LENSES, Lens
from unembed.outside.arrays import float_tensor, narrowed, plain_tensor
from unembed.outside.limits import DIRECTIONS_SIZE
from unembed.outside.row_reader import ROWS_AT_ONCE, RowReader
from unembed.outside.text import shown
from unembed.products import cholesky, laid_out, lengths, sum_of, sums
from unembed.symmetric import gram
from unembed.ties import Ties, ties_of
from unembed.vocabulary import Vocabulary

NORMS = ("rmsnorm", "layernorm", "none")
_ADDED_AT_ONCE = 8192
"""Rows whose sum is taken by itself, which is part of what the mean row's last digits are."""
_MULTIPLIED_AT_ONCE = 2048
"""Likewise, of what those of Σ are."""
_COVARIANCES = "covariance-3"
"""In the cache folder. Those of the first kind depended on how many threads had made them; those of
the second were added up in another order."""


@dataclass(frozen=True, eq=False)
class FinalNorm:
    """The normalisation between the residual stream and W_U.

    Attributes:
        kind: `rmsnorm`, `layernorm`, or `none`.
        weight: γ [d_model]; None where the norm has no parameters.
        plus_one: γ is stored as γ − 1 (Gemma 1, 2 and 3).
    """

    kind: Literal["rmsnorm", "layernorm", "none"]
    weight: Float[Tensor, " d_model"] | None = None
    plus_one: bool = False

    def __post_init__(self) -> None:
        if self.kind not in NORMS:
            raise UnembedError(
                f"A final norm is {', '.join(map(repr, NORMS))}; found {self.kind!r}."
            )
        if self.weight is not None:
            weight = float_tensor(self.weight, "The final norm's weight")
            object.__setattr__(self, "weight", weight)

    @property
    def gamma(self) -> Float[Tensor, " d_model"] | None:
        """The factor on each residual dimension, in float32."""
        if self.weight is None:
            return None
        if not torch.isfinite(self.weight).all():
            raise WeightError(
                "The final norm's weight has NaN or infinite values. The file is damaged; get it "
                "again."
            )
        return self.weight + (1.0 if self.plus_one else 0.0)


NO_NORM = FinalNorm("none")


@dataclass(frozen=True, eq=False)
class Unembedding:
    """A model's unembedding over its n real tokens, centred over the vocabulary.

    Masked tokens (special ones, padding) have no row: they take part in nothing. A logit
    weight of a feature `w` is `W_U @ w + mean_row @ w`; positive promotes the token.

    Attributes:
        W_U: [n, d_model] float32, folded and centred: its mean row is zero.
        token_ids: [n] the vocabulary's id of each row, ascending.
        vocabulary: all V tokens, masked ones included.
        mean_row: [d_model] what is added back to every row when weights are reported. Zero
            for the logit lens, whose weights are centred (a softmax does not see the mean);
            the mean of the unit rows for the cosine lens; that of the model's own rows where the
            norm was not folded in.
        lens: `logit`, or `cosine` (every row of W_U of unit length, and every feature too).
        name: the model, as references name it.
        preparation: every choice made on the way, for the manifest.
        embedding: the model's embedding, prepared likewise over the same tokens, for banks of what
            features read; None where nobody asked for it. (Its own `W_U` is W_E, centred.)
    """

    W_U: Float[Tensor, "tokens d_model"]
    token_ids: Int[np.ndarray, " tokens"]
    vocabulary: Vocabulary
    mean_row: Float[Tensor, " d_model"]
    lens: Lens
    name: str
    preparation: dict[str, Any] = field(default_factory=dict)
    embedding: Unembedding | None = None

    def with_embedding(self, embedding: Unembedding) -> Unembedding:
        """Return the unembedding beside the embedding of the same model.

        Raises:
            VocabularyError: when other tokens take part in it.
            ShapeError: when it is of another width.
            UnembedError: when it is of another lens.
        """
        if not np.array_equal(embedding.token_ids, self.token_ids):
            raise VocabularyError(
                f"The embedding of {self.name} has {embedding.n_tokens:,} tokens that take part, "
                f"and the unembedding {self.n_tokens:,}: one of them lacks rows of the vocabulary."
            )
        if embedding.d_model != self.d_model:
            raise ShapeError(
                f"The embedding of {self.name} is {embedding.d_model} wide, and the unembedding "
                f"{self.d_model}: they are of different models."
            )
        if embedding.lens != self.lens:
            raise UnembedError(
                f"The embedding is prepared for the {embedding.lens} lens, and the unembedding for "
                f"the {self.lens} lens. Prepare both alike."
            )
        return replace(self, embedding=embedding)

    @property
    def d_model(self) -> int:
        """The width of the residual stream."""
        return int(self.W_U.shape[1])

    @property
    def n_tokens(self) -> int:
        """How many tokens take part: those not masked."""
        return int(self.W_U.shape[0])

    def __repr__(self) -> str:
        return (
            f"Unembedding({shown(self.name)}: {self.n_tokens:,} of {len(self.vocabulary):,} "
            f"tokens, d_model {self.d_model}, {self.lens} lens)"
        )

    @cached_property
    def covariance(self) -> Float[Tensor, "d_model d_model"]:
        """Σ = W_Uᵀ W_U / n in float64: the variance of w's logit weights is wᵀ Σ w.

        Float64 throughout: a float32 Σ is off by 1e-7 of its largest entry, which under the
        square root would give directions that no token sees a std of 3e-4. That of a model in
        files is kept in the cache folder, by `digest`.
        """
        if "origin" not in self.preparation:
            return covariance_of(self.W_U)
        name = f"{_COVARIANCES}/{self.digest[:32]}.npy"
        shape = (self.d_model, self.d_model)
        kept = kept_array(name, shape, lambda: covariance_of(self.W_U).numpy())
        return laid_out(torch.from_numpy(kept))

    @cached_property
    def root(self) -> Float[Tensor, "d_model d_model"]:
        """R with R Rᵀ = Σ, in float32: the standard deviation of w's logit weights is |w R|.

        Any root will do: this one takes d_model³/3 operations. Factored in float64, and rounded at
        the end: float32 is what features are multiplied with. For one row √(wᵀ Σ w) costs less.
        """
        return cholesky(self.covariance).float()

    @cached_property
    def rms(self) -> float:
        """√(tr Σ), the root mean square length of W_U's rows."""
        return math.sqrt(sum_of(self._squares) / self.n_tokens)

    @cached_property
    def longest(self) -> float:
        """The length of W_U's longest row."""
        return math.sqrt(self._squares.max())

    @cached_property
    def _squares(self) -> Float[Tensor, " tokens"]:
        """[n] the squared length of each row of W_U, in float64."""
        return _lengths(self.W_U).square()

    @cached_property
    def ties(self) -> Ties:
        """Tokens whose rows of W_U are the same: untrained ones, for the most part."""
        return ties_of(self.W_U.numpy())

    @cached_property
    def digest(self) -> str:
        """A hash of all that logit weights depend on, for the manifest of a run."""
        content = hashlib.sha256(self.lens.encode())
        for array in (self.W_U.numpy(), self.token_ids, self.mean_row.numpy()):
            content.update(np.ascontiguousarray(array).data)
        content.update(self.vocabulary.digest.encode())
        return content.hexdigest()

    @property
    def facts(self) -> UnembeddingFacts:
        """What the manifest of a run says of it."""
        tied = {"identical_rows": len(self.ties)} if len(self.ties) else {}
        return UnembeddingFacts(
            self.name, self.d_model, self.n_tokens, self.vocabulary.kind, self.lens,
            {**self.preparation, **tied}, self.digest,
        )  # fmt: skip


def prepare_unembedding(
    W_U: Tensor | npt.ArrayLike | RowReader,
    vocabulary: Vocabulary,
    *,
    norm: FinalNorm = NO_NORM,
    lens: Lens = "logit",
    name: str = "arrays",
    origin: dict[str, Any] | None = None,
    fold: bool = True,
) -> Unembedding:
    """Return W_U folded, masked and centred (TransformerLens' `fold_ln`, `center_unembed`).

    In order: rows of masked tokens are left out; γ is folded in; for a LayerNorm each row's
    mean over d_model is subtracted (the norm removes that direction from the residual
    stream); the mean row is subtracted; with the cosine lens rows are then scaled to unit
    length. Biases of norm and head do not depend on the feature, and are never added.

    Without folding W_U stays as the model has it, which some dashboards read features with
    (TransformerLens' `from_pretrained_no_processing`): γ is not folded in, the rows of a LayerNorm
    are not centred over d_model, and the mean row is added back to what is reported, so that a
    logit weight is the plain product. Statistics but the mean, ranks, and tests see W_U centred
    over the vocabulary all the same.

    Args:
        W_U: [rows, d_model] the model's unembedding, one row a token: a tensor on any device, or an
            array, of any floating point of 16 bits and more, which is left as it is; or a
            `RowReader`, so that nothing is held beside what is returned.
        vocabulary: at most padded to the rows of W_U; more real tokens than rows are an error.
        norm: the model's final norm.
        lens: `logit` or `cosine` (the post's layer appendix).
        name: of the model.
        origin: where the weights came from, for the manifest.
        fold: take the final norm into W_U.

    Raises:
        ShapeError: when γ is not as wide as W_U, or W_U is no matrix.
        VocabularyError: when real tokens have no row, or every token is masked.
        WeightError: for NaN or infinite values, values that are none of float32 (whole numbers,
            sparse, masked …), a size whose products float32 cannot hold, or a row of zeros under
            the cosine lens.
    """
    what = f"W_U of {name}"
    given = W_U if isinstance(W_U, RowReader) else RowReader.of(plain_tensor(W_U, what, copy=False))
    if len(given.shape) != 2 or not given.shape[1]:
        raise ShapeError(f"W_U should be [tokens, d_model], but has shape {list(given.shape)}.")
    if lens not in LENSES:
        raise UnembedError(f"The lens is 'logit' or 'cosine', not {lens!r}.")
    padded = vocabulary.resized(given.shape[0])
    token_ids = np.flatnonzero(~padded.masked)
    if token_ids.size < 2:
        raise VocabularyError(
            f"{name}: {token_ids.size} of {len(padded):,} tokens are left after masking special "
            "and unused ones; at least 2 are needed. The vocabulary's flags are wrong."
        )
    rows = _taken(given, token_ids, what)
    if fold:
        _fold(rows, norm)
    _check_finite(rows, token_ids, padded, name)
    _check_size(rows, name)
    own_mean = _mean_row(rows)
    _subtract(rows, own_mean)
    mean_row = rows.new_zeros(rows.shape[1]) if fold else own_mean
    if lens == "cosine":
        _scale_to_unit(rows, token_ids, padded)
        mean_row = _mean_row(rows)
        _subtract(rows, mean_row)
    return Unembedding(
        W_U=rows,
        token_ids=token_ids,
        vocabulary=padded,
        mean_row=mean_row,
        lens=lens,
        name=name,
        preparation={
            **({"origin": origin} if origin else {}),
            "final_norm": norm.kind,
            **({} if fold else {"folded": False}),  # as manifests always were, where it is
            "gamma_folded": fold and norm.weight is not None,
            "gamma_plus_one": norm.plus_one,
            "rows_centred_over_d_model": fold and norm.kind == "layernorm",
            "centred_over_vocabulary": True,
            "lens": lens,
            "rows": len(padded),
            "masked_special": int(padded.special.sum()),
            "masked_unused": int((padded.unused & ~padded.special).sum()),
        },
    )


def covariance_of(W_U: Float[Tensor, "tokens d_model"]) -> Float[Tensor, "d_model d_model"]:
    """Return W_Uᵀ W_U / n in float64, made where W_U is: see `Unembedding.covariance`."""
    parts = torch.split(W_U, _MULTIPLIED_AT_ONCE)
    return gram(parts, W_U.shape[1], torch.float64, W_U.device).div_(len(W_U))


def _taken(given: RowReader, token_ids: npt.NDArray[np.int64], what: str) -> Tensor:
    """Return the rows of some tokens as a new float32 tensor, read into it a few at a time."""
    rows = torch.empty(len(token_ids), given.shape[1], dtype=torch.float32, device="cpu")
    at = 0
    for start, part in given.parts():
        here = token_ids[at : np.searchsorted(token_ids, start + len(part))]
        kept = plain_tensor(part, what)[torch.from_numpy(here - start).to(part.device)]
        rows[at : at + len(here)] = _narrowed(kept, here, what)
        at += len(here)
    return rows


def _narrowed(rows: Tensor, token_ids: npt.NDArray[np.int64], what: str) -> Tensor:
    return narrowed(rows, what, row=lambda at: f"token {token_ids[at]}")


def _fold(rows: Tensor, norm: FinalNorm) -> None:
    gamma = norm.gamma
    if gamma is not None:
        if gamma.shape != rows.shape[1:]:
            raise ShapeError(
                f"The final norm's weight has shape {list(gamma.shape)}, but W_U is "
                f"{rows.shape[1]} wide. They belong to different models."
            )
        rows.mul_(gamma)
    if norm.kind == "layernorm":
        for part in torch.split(rows, ROWS_AT_ONCE):
            part.sub_((sums(part.double(), 1) / rows.shape[1]).float()[:, None])


def _mean_row(rows: Tensor) -> Tensor:
    """Return the mean row, one row added after the other: what torch sums depends on threads.

    So W_U is the same on any processor, and with it the hash that says of which model a run is.
    """
    total = rows.new_zeros(rows.shape[1], dtype=torch.float64)
    for part in torch.split(rows, _ADDED_AT_ONCE):
        total += sums(part, 0)
    return (total / rows.shape[0]).float()


def _subtract(rows: Tensor, mean_row: Tensor) -> None:
    rows.sub_(mean_row)


def _scale_to_unit(rows: Tensor, token_ids: npt.NDArray[np.int64], vocabulary: Vocabulary) -> None:
    of_rows = _lengths(rows)
    empty = torch.nonzero(of_rows == 0)
    if len(empty):
        token = token_ids[int(empty[0])]
        raise WeightError(
            f"Token {token} ({vocabulary.texts[token]!r}) has a row of zeros in W_U, so it has no "
            "direction for the cosine lens. Mask it, or use the logit lens."
        )
    for part, length in zip(*_in_parts(rows, of_rows), strict=True):
        part.copy_(part.double() / length[:, None])


def _lengths(rows: Tensor) -> Float[Tensor, " rows"]:
    """Return the length of each row in float64: squares of 1e-30 are nothing in float32."""
    found = rows.new_empty(len(rows), dtype=torch.float64)  # made first: what is kept between
    for part, of_part in zip(*_in_parts(rows, found), strict=True):  # parts would split the heap
        of_part.copy_(lengths(part))
    return found


def _in_parts(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    return (torch.split(each, ROWS_AT_ONCE) for each in tensors)


def _check_size(rows: Tensor, name: str) -> None:
    """Check that products with W_U stay within float32."""
    least, most = DIRECTIONS_SIZE
    largest = max(abs(float(end)) for end in torch.aminmax(rows))
    if not least <= largest <= most:
        raise WeightError(
            f"The largest number of W_U of {name} is {largest:.3g}; its products are right in "
            f"float32 from {least:g} to {most:g}. Multiply all of it by one number, which changes "
            "no rank and no z."
        )


def directions(W_dec: object, unembedding: Unembedding) -> Float[Tensor, "features d_model"]:
    """Return directions as float32, held against the unembedding that they are read with.

    Args:
        W_dec: [F, d_model] a tensor or an array.
        unembedding: whose tokens they are read over.

    Raises:
        ShapeError: when they are not as wide as the unembedding.
        WeightError: when they are not finite, or no numbers of float32.
    """
    rows = float_tensor(W_dec, "W_dec")
    if rows.ndim != 2 or rows.shape[1] != unembedding.d_model:
        raise ShapeError(
            f"W_dec should be [features, {unembedding.d_model}], as wide as {unembedding.name}, "
            f"but has shape {list(rows.shape)}."
        )
    bad = broken_rows(rows)
    if bad.any():
        raise WeightError(
            f"{int(bad.sum()):,} of {len(rows):,} directions hold NaN or infinite values, the "
            f"first is row {int(torch.nonzero(bad)[0])}. Leave them out."
        )
    return rows


def beyond_float32(
    W_dec: Float[Tensor, "features d_model"], unembedding: Unembedding
) -> Bool[Tensor, " features"]:
    """Return which directions may have logit weights that float32 cannot hold.

    By Cauchy and Schwarz none is larger than the direction's length times that of W_U's longest
    row. Under the cosine lens none is larger than 1.

    Args:
        W_dec: [F, d_model] float32 directions, as wide as the unembedding.
        unembedding: whose tokens the logit weights are of.
    """
    if unembedding.lens == "cosine":
        return W_dec.new_zeros(len(W_dec), dtype=torch.bool)
    return _lengths(W_dec) * unembedding.longest > torch.finfo(torch.float32).max


def _check_finite(
    rows: Tensor, token_ids: npt.NDArray[np.int64], vocabulary: Vocabulary, name: str
) -> None:
    bad = broken_rows(rows)
    if bad.any():
        token = token_ids[int(torch.nonzero(bad)[0])]
        raise WeightError(
            f"W_U of {name} has NaN or infinite values in {int(bad.sum()):,} rows, first in that "
            f"of token {token} ({vocabulary.texts[token]!r}). The file is damaged, or was saved "
            "in a dtype too narrow for it; get it again."
        )


def broken_rows(matrix: Float[Tensor, "rows columns"]) -> Bool[Tensor, " rows"]:
    """Return which rows hold NaN or infinite values; a matrix without any costs one sum."""
    suspect = ~torch.isfinite(matrix.sum(1))
    if not suspect.any():
        return suspect
    return ~torch.isfinite(matrix).all(dim=1)
