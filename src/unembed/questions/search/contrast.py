"""Features that tell two token sets apart: the post's scatter of names, as one exact test.

With δ = mean(W_U[A]) − mean(W_U[B]) a feature shifts A against B by t = δ·w / sqrt(wᵀΣw) standard
deviations of its logit weights. z is that in units of what random directions like the bank's do,
and p is exact (`unembed.enrichment.direction_null`), as for a single set. Sets may overlap: a token
in both counts on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from unembed.enrichment.discovery_rate import DiscoveryRate, log10_q
from unembed.enrichment.effects import Contrast, Effects, effects_of
from unembed.enrichment.lookup import log10_p_of_pairs
from unembed.errors import QueryError
from unembed.questions.search.scored import F64, Scored, Searched
from unembed.questions.search.shift import shift_of
from unembed.questions.weights import weights_of
from unembed.tokensets.token_sets import TokenSets
from unembed.unembedding import Unembedding

F32 = npt.NDArray[np.float32]
_ROLES = ("promoted", "against")


def by_contrast(searched: Searched, promoted: str, against: str) -> Scored:
    """Return `contrast_z`, `contrast_log10_p` and `contrast_log10_q` of every feature.

    Positive promotes the first set against the second. The null is each bank's own in the run;
    q is Benjamini and Hochberg's over the features of the bank.

    Args:
        searched: a run with token sets.
        promoted: the set whose mean counts up, by name or alias.
        against: the set whose mean counts down.

    Raises:
        QueryError: when the run has no such set, or none at all, or both hold the same tokens.
        SourceError: when the run's weights cannot be had, or those of its null.
    """
    effect = _effects(searched, promoted, against)
    parts = [_of_bank(searched, name, effect(name)) for name in searched.banks]
    names = ("contrast_z", "contrast_log10_p", "contrast_log10_q")
    columns = {name: np.concatenate([part[at] for part in parts]) for at, name in enumerate(names)}
    return Scored(columns, z="contrast_z", log10_q="contrast_log10_q", both_ways=True)


def contrast_z(searched: Searched, promoted: str, against: str) -> F64:
    """Return `contrast_z` alone, which takes no tail probabilities (see `by_contrast`)."""
    effect = _effects(searched, promoted, against)
    return np.concatenate([_z_of_bank(searched, name, effect(name))[0] for name in searched.banks])


def _effects(searched: Searched, promoted: str, against: str) -> Callable[[str], Effects]:
    """Return what gives the effect of a contrast over what a bank is held against."""
    over = cache(lambda unembedding: _effect(searched, unembedding, promoted, against))
    return lambda name: over(weights_of(searched.run).against(name))


def _effect(searched: Searched, unembedding: Unembedding, promoted: str, against: str) -> Effects:
    numbers = [searched.run.sets.number(name) for name in (promoted, against)]
    both = searched.run.tested_sets[numbers]
    members = dict(zip(_ROLES, both["ids"], strict=True))
    sets = TokenSets.from_ids(
        {role: ids.to_numpy() for role, ids in members.items()}, unembedding.vocabulary
    )
    for role, name in zip(_ROLES, both["name"], strict=True):
        if not len(sets[role]):
            raise QueryError(f"The token set {name!r} is empty: it has no mean to compare with.")
    a, b = (sets[role] for role in _ROLES)
    if np.array_equal(a, b):
        raise _nothing(promoted, against, "hold the same tokens")
    effect = effects_of([Contrast(sets, *_ROLES)], unembedding)
    if not effect.testable[0]:
        raise _nothing(promoted, against, "have the same mean row of W_U")
    return effect


def _nothing(promoted: str, against: str, why: str) -> QueryError:
    return QueryError(
        f"{promoted!r} and {against!r} {why}: there is nothing to tell apart. Name two different "
        "sets."
    )


def _of_bank(searched: Searched, name: str, effect: Effects) -> tuple[F64, F64, F64]:
    z, sd = _z_of_bank(searched, name, effect)
    alive = np.isfinite(z)
    log10_p = np.zeros(len(z), np.float32)
    null = weights_of(searched.run).null_of(name)
    tails = null.tails(null.seen_part(effect.delta), sd).single()
    known: F32 = np.where(alive, z, 0).astype(np.float32)
    log10_p_of_pairs(known, np.zeros(len(z), np.int64), *tails, log10_p)
    rate = DiscoveryRate()
    rate.add(log10_p[alive, None], np.ones(1, np.bool_))
    q = log10_q(log10_p, rate.curve())
    nothing = np.float64(np.nan)
    return z, np.where(alive, log10_p, nothing), np.where(alive, q, nothing)


def _z_of_bank(searched: Searched, name: str, effect: Effects) -> tuple[F64, F64]:
    """Return z of a bank's features, and the standard deviation over random directions."""
    null = weights_of(searched.run).null_of(name)
    sd = null.sd(null.seen_part(effect.delta))
    return shift_of(searched, name, effect.delta[0] / sd[0]), sd
