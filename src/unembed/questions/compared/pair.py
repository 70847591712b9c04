"""Two dictionaries, feature by feature and set by set: what is in both, and what in one alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from unembed.errors import QueryError
from unembed.matching.fates import FATES
from unembed.matching.one_to_one import OfBank, OneToOne, match_one_to_one
from unembed.matching.settings import DIRECTIONS, LEVEL
from unembed.progress import Progress, report_of, silent
from unembed.questions.compared.banks import Dictionary
from unembed.questions.compared.features import features_of, labels_of
from unembed.questions.compared.labels import agreement
from unembed.questions.compared.only import sets_of_one
from unembed.questions.compared.settings import CLOSE, By
from unembed.questions.compared.spaces import choose, meet, said, why_not
from unembed.questions.pairs import Sign


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two dictionaries compared.

    Attributes:
        a: the first, as it is called among those compared.
        b: the second.
        features: one row a feature, of `a` and then of `b`, in the banks' order: feature, bank,
            index; side (`a` or `b`); fate (`again`, `split`, `merged`, `lost`; null for flat
            features); match, its one-to-one partner in the other bank, cosine and z of the two;
            pieces, what else of the other bank it is split into; nearest, the most alike there
            whether it counts or not, nearest_cosine and nearest_z; opposite, opposite_cosine and
            opposite_z, the same of the most opposite; log10_p of the feature, by its
            smallest p among all sets; label, match_label, and
            same_label, whether both name a token set in common, of one sign (null where either
            names none).
        sets: one row a set, sign and side: what features of that side write, and none of the other
            (`sets_of_one`); None where a run has no token sets, or their vocabularies no set in
            common.
        facts: `a` and `b`, of each bank: run, bank, features, flat, again, split, merged, lost,
            reversed (of those lost, how many have their reverse in the other), found (the share of
            features again or split), random (that of a random decoder); by, compared (in words),
            and not_by, why not by the others; pairs, cosine_median, close (how many have a cosine
            from 0.7 on), cutoff, assignment; labelled, how many pairs are on both sides, and of
            these the shares same_label and same_label_shuffled; expected_share by chance;
            directions, seed.
    """

    a: str
    b: str
    features: pl.DataFrame
    sets: pl.DataFrame | None
    facts: dict[str, Any]


def compare_banks(
    a: Dictionary,
    b: Dictionary,
    *,
    by: By | None = None,
    sign: Sign | None = None,
    max_q: float | None = None,
    limit: int | None = 20,
    directions: int = DIRECTIONS,
    seed: int = 0,
    progress: Progress = silent,
) -> Comparison:
    """Return two dictionaries matched one to one, and what each writes that the other does not.

    Their features are matched by what both can be proven to have in common: `decoder` directions,
    where both are written into one place of one model; `logits`, over one vocabulary; or z over the
    token `sets` of both, between any two models. All of it is held against random directions like
    those of either bank (`matching.match_one_to_one`).

    >>> a, b = dictionaries(run, ["sae.26", "mlp.26"])  # doctest: +SKIP
    >>> compare_banks(a, b).facts["a"]["found"]  # doctest: +SKIP

    Args:
        a: the first, from `dictionaries`.
        b: the second.
        by: what is matched; the first of these that can be proven, if None.
        sign: of the sets that one alone writes, those it promotes (`+`) or suppresses (`-`).
        max_q: a pair of feature and set counts up to this q; each run's own, if None.
        limit: at most so many such sets of either side and sign, near-identical ones once; None for
            all.
        directions: random ones of either bank.
        seed: decides them.
        progress: told how each step goes.

    Raises:
        QueryError: when they are the same bank, or cannot be compared.
        SourceError: when their weights are not there any more, or changed.
    """
    if a.run.path == b.run.path and a.bank == b.bank:
        raise QueryError(f"{a.name} is compared with itself. Name two banks.")
    by = choose(a, b, by)
    found, compared = matched(a, b, by, directions=directions, seed=seed, progress=progress)
    facts = {
        "a": _side(a, found.ours, found.cutoff),
        "b": _side(b, found.theirs, found.cutoff),
        "by": by,
        "compared": compared,
        "not_by": {each: reason for each, reason in why_not(a, b).items() if reason},
        "pairs": len(found.pairs.z),
        "cosine_median": float(np.median(found.pairs.cosine)) if len(found.pairs.z) else None,
        "close": int((found.pairs.cosine >= CLOSE).sum()),
        "cutoff": found.cutoff,
        "assignment": found.assignment,
        **agreement(labels_of(a), labels_of(b), found.pairs, seed),
        "expected_share": LEVEL,
        "directions": directions,
        "seed": seed,
    }
    sets = sets_of_one(a, b, sign=sign, max_q=max_q, limit=limit)
    return Comparison(a.name, b.name, features_of(a, b, found), sets, facts)


def matched(
    a: Dictionary, b: Dictionary, by: By, *, directions: int, seed: int, progress: Progress = silent
) -> tuple[OneToOne, str]:
    """Return the one-to-one matches of two dictionaries, and in words what was compared."""
    met = meet(a, b, by)
    report = report_of(progress, f"{a.name} and {b.name}")
    found = match_one_to_one(met.ours, met.theirs, directions=directions, seed=seed, report=report)
    return found, said(by, met.shared)


def _side(of: Dictionary, found: OfBank, cutoff: float) -> dict[str, Any]:
    """Return what the facts say of one bank."""
    names, live = found.fates.names, found.nearest.row >= 0
    counts: dict[str, int] = {fate: int(((names == fate) & live).sum()) for fate in FATES}
    reversed_ = live & (names == "lost") & (found.opposite.z < -cutoff)
    return {
        "run": of.run.place,
        "bank": of.bank,
        "features": len(names),
        "flat": len(names) - found.live,
        **counts,
        "reversed": int(reversed_.sum()),
        "found": (counts["again"] + counts["split"]) / max(found.live, 1),
        "random": found.random / max(found.live, 1),
    }
