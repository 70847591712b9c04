"""In what two dictionaries can be compared: proven from their runs, never taken from widths.

| by | what is compared | where |
|---|---|---|
| `decoder` | the directions themselves | one model, by the hash of its W_U, and one place in it |
| `logits` | logit weights over the tokens of both | one vocabulary, token by token |
| `sets` | z over the token sets of both | anywhere: other widths, models, vocabularies |
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.enrichment import SecondMoment
from unembed.enrichment.effects import effects_of
from unembed.errors import FormatError, QueryError
from unembed.facts import BankFacts
from unembed.features import Features
from unembed.load.lenses.of_bank import block_behind
from unembed.load.stream.along import point_of
from unembed.matching.spaces import (
    Half,
    Meeting,
    Seen,
    by_directions,
    by_logit_weights,
    by_readings,
)
from unembed.questions.compared.banks import Dictionary
from unembed.questions.compared.settings import FEWEST_SETS, By
from unembed.questions.weights import weights_of
from unembed.tokensets.frame import from_frame

_OF_TOKENIZER = "tokenizer"
"""The family of sets that say of each vocabulary something else."""


class Met(NamedTuple):
    """Two dictionaries in the space where they meet.

    Attributes:
        ours: the first.
        theirs: the second.
        shared: what is read of both: dimensions, tokens or token sets.
    """

    ours: Seen
    theirs: Seen
    shared: int


def why_not(a: Dictionary, b: Dictionary) -> dict[By, str | None]:
    """Return in what two dictionaries can be compared, the first the best: None, or why not."""
    tokens = _other_tokens(a, b)
    return {
        "decoder": _other_place(a, b),
        "logits": tokens,
        "sets": _no_sets(a, b),
    }


def choose(a: Dictionary, b: Dictionary, by: By | None = None) -> By:
    """Return in what two dictionaries are compared: as asked, or the best that can be proven.

    Raises:
        QueryError: when they cannot, with the reasons.
    """
    reasons = why_not(a, b)
    if by is not None and by not in reasons:
        raise QueryError(f"Features are matched by {', '.join(reasons)}, not by {by!r}.")
    possible = [each for each, reason in reasons.items() if reason is None]
    if by in possible:
        return by
    if by is not None:
        instead = f" Compare by {' or '.join(possible)}." if possible else ""
        raise QueryError(
            f"{a.name} and {b.name} cannot be compared by {by}: {reasons[by]}.{instead}"
        )
    if not possible:
        whole = "; ".join(f"by {each}: {reason}" for each, reason in reasons.items())
        raise QueryError(f"{a.name} and {b.name} have nothing in common. {whole}.")
    return possible[0]


def meet(a: Dictionary, b: Dictionary, by: By) -> Met:
    """Return two dictionaries in the space where they meet, after `choose`.

    Raises:
        SourceError: when weights are not there any more, or changed.
    """
    banks = [weights_of(each.run).bank(each.bank) for each in (a, b)]
    if by == "decoder":
        banks = [bank.before or bank for bank in banks]
        meeting, shared = by_directions(banks[0].d_model), banks[0].d_model
    elif by == "logits":
        meeting, shared = _by_tokens(a, b)
    else:
        meeting, shared = _by_sets(a, b)
    ours, theirs = (_seen(bank, half) for bank, half in zip(banks, meeting, strict=True))
    return Met(ours, theirs, shared)


def _seen(bank: Features, half: Half) -> Seen:
    return Seen.of(bank.W_dec, SecondMoment.of(bank), half)


def _other_place(a: Dictionary, b: Dictionary) -> str | None:
    """Return why directions cannot be compared; None where they are of one place in one model."""
    if _sides_differ(a, b):
        return "one is what features read, and the other what they write"
    if not _same_matrix(a, b):
        folded = [each.run.manifest.unembedding.is_folded for each in (a, b)]
        if folded[0] != folded[1]:
            return "one run has the final norm folded into W_U, the other has not (--no-fold)"
        return "their runs have not the same W_U, by its hash, so that it may be two models"
    places = [_place(each.facts) for each in (a, b)]
    for each, place in zip((a, b), places, strict=True):
        if place is None:
            return f"the run does not say which layer {each.name} is of"
    if places[0] != places[1]:
        said = " and ".join(f"block {place}'s output" for place in places)
        return f"they are of other places in the model, {said}"
    return None


def _same_matrix(a: Dictionary, b: Dictionary) -> bool:
    """Return whether two are held against the same matrix, by its hash."""
    one, other = (each.run.manifest.against(each.facts) for each in (a, b))
    return one.sha256 == other.sha256


def _sides_differ(a: Dictionary, b: Dictionary) -> bool:
    return (a.facts.reads is None) != (b.facts.reads is None)


def _place(bank: BankFacts) -> int | None:
    """Return the block whose output is nearest behind where a bank is written; −1: embedding."""
    if bank.hook is not None:
        try:
            return block_behind(point_of(bank.hook))
        except FormatError:
            return bank.layer
    return bank.layer


def _other_tokens(a: Dictionary, b: Dictionary) -> str | None:
    """Return why weights over tokens cannot be compared; None where tokens are the same."""
    if _sides_differ(a, b):
        return "one has weights over the embedding, the other over the unembedding"
    if _same_matrix(a, b):
        return None
    return _other_vocabulary(a, b)


def _other_vocabulary(a: Dictionary, b: Dictionary) -> str | None:
    """Return how tokens of two runs differ; None where ids stand for the same ones."""
    ours, theirs = a.run.tokens["bytes"], b.run.tokens["bytes"]
    both = min(len(ours), len(theirs))
    same = (ours.head(both) == theirs.head(both)).sum()
    if same == both and len(_common_ids(a, b)) >= 2:
        return None
    return f"their vocabularies differ: {same:,} of {both:,} ids stand for the same token in both"


def _common_ids(a: Dictionary, b: Dictionary) -> npt.NDArray[np.int64]:
    """Return the ids of tokens that take part in both runs, of one vocabulary."""
    ours, theirs = (each.run.tokens.filter(~pl.col("masked"))["id"].to_numpy() for each in (a, b))
    found: npt.NDArray[np.int64] = np.intersect1d(ours, theirs).astype(np.int64)
    return found


def _by_tokens(a: Dictionary, b: Dictionary) -> tuple[Meeting, int]:
    one, other = (weights_of(each.run).against(each.bank) for each in (a, b))
    if one.digest == other.digest:
        return by_logit_weights(one), one.n_tokens
    ids = _common_ids(a, b)
    rows = [
        each.W_U[torch.from_numpy(np.searchsorted(each.token_ids, ids))] for each in (one, other)
    ]
    return by_readings(*rows, centred=True), len(ids)


def _no_sets(a: Dictionary, b: Dictionary) -> str | None:
    """Return why z cannot be compared; None where enough token sets were tested in both."""
    for each in (a, b):
        if not each.run.has_enrichment:
            return f"the run of {each.name} was made without token sets"
    count = len(shared_sets(a, b)["name"])
    if count < FEWEST_SETS:
        return f"they share {count} token sets, and {FEWEST_SETS} are needed"
    return None


def shared_sets(a: Dictionary, b: Dictionary) -> pl.DataFrame:
    """Return the token sets that were tested in both runs and mean the same: name, ours, theirs.

    Of one name, family, description and definition; `ours` and `theirs` are their numbers in
    either run. Sets of the tokenizer itself mean something else in each vocabulary, and are left
    out where these differ.
    """
    keys = ["name", "family", "description", "definition"]
    ours, theirs = (
        each.run.tested_sets.select(keys).with_row_index(side)
        for each, side in ((a, "ours"), (b, "theirs"))
    )
    found = ours.join(theirs, on=keys, how="inner", nulls_equal=True, maintain_order="left")
    if _other_vocabulary(a, b) is not None:
        found = found.filter(~pl.col("family").str.starts_with(_OF_TOKENIZER))
    return found.select("name", pl.col("ours", "theirs").cast(pl.Int64))


def _by_sets(a: Dictionary, b: Dictionary) -> tuple[Meeting, int]:
    shared = shared_sets(a, b)
    sides = [_effects(each, shared[side]) for each, side in ((a, "ours"), (b, "theirs"))]
    known = torch.from_numpy(np.all([of.numpy().any(1) for of in sides], axis=0))
    return by_readings(sides[0][known], sides[1][known]), int(known.sum())


def _effects(of: Dictionary, numbers: pl.Series) -> Float[Tensor, "sets d_model"]:
    """Return what z of some sets is read by: δ over the sd of t; zeros where it is not tested."""
    unembedding = weights_of(of.run).against(of.bank)
    chosen = of.run.tested_sets[numbers]
    effects = effects_of(from_frame(chosen, unembedding.vocabulary), unembedding)
    sd = of.run.scores.sd_of_sets(of.bank)[numbers.to_numpy()]
    tested = effects.testable & (sd > 0)
    scaled = effects.delta / np.where(tested, sd, 1)[:, None]
    return torch.from_numpy(np.where(tested[:, None], scaled, 0.0))


def said(by: By, shared: int) -> str:
    """Return in words what is compared.

    >>> said("sets", 1200)
    'z over 1,200 token sets'
    """
    words: dict[By, str] = {
        "decoder": f"decoder directions of {shared:,} dimensions",
        "logits": f"logit weights over {shared:,} tokens",
        "sets": f"z over {shared:,} token sets",
    }
    return words[by]
