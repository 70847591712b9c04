"""Modules of tokens that the same features promote or suppress."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from unembed.addresses import address
from unembed.discovery.module import Module
from unembed.discovery.settings import DiscoverSettings
from unembed.errors import UnembedError
from unembed.features import Features, check_width
from unembed.progress import Progress
from unembed.sweep import FeatureStatistics, Sweep, SweepSettings
from unembed.tokensets.collections.forms import core_of
from unembed.unembedding import Unembedding

FAMILY = "discovered/features"
_TOP_K = 100
_AT_ONCE = 1024
_ALIKE = 0.5
"""Tails that share this much of their union are one module."""


class _Tail(NamedTuple):
    """The tokens far out on one side of a feature's logit weights."""

    feature: str
    verb: str
    ids: frozenset[int]
    order: tuple[int, ...]
    kurtosis: float


def modules_of_features(
    unembedding: Unembedding, bank: Features, settings: DiscoverSettings, report: Progress
) -> list[Module]:
    """Return the modules of a bank, those with the heaviest tails first.

    A feature's tail is what lies `min_z` standard deviations out, on either side. Tails with a
    Jaccard index of one half or more are one module, of the tokens in at least half of them.
    """
    tails = _tails(unembedding, bank, settings, report)
    if not tails:
        return []
    groups: dict[int, list[_Tail]] = {}
    for group, tail in zip(_grouped(tails), tails, strict=True):
        groups.setdefault(int(group), []).append(tail)
    modules = [
        _module(unembedding, bank, group)
        for group in sorted(groups.values(), key=lambda group: -max(t.kurtosis for t in group))
    ]
    return [module for module in modules if len(module.typical) >= settings.min_words]


def _tails(
    unembedding: Unembedding, bank: Features, settings: DiscoverSettings, report: Progress
) -> list[_Tail]:
    if bank.reads is not None:
        raise UnembedError(
            f"{bank.name} is what features read; modules are found in what features write."
        )
    check_width(bank, unembedding)
    sweep = Sweep(unembedding, SweepSettings(top_k=_TOP_K, device=settings.device))
    found: list[_Tail] = []
    for start in range(0, len(bank), _AT_ONCE):
        read = sweep.read(bank.W_dec[start : start + _AT_ONCE])
        for at in np.flatnonzero(read.kurtosis >= settings.min_kurtosis).tolist():
            found += _of_feature(unembedding, bank, start, at, read, settings)
        report(f"Features of {bank.name}", start + len(read.std), len(bank))
    return found


def _of_feature(
    unembedding: Unembedding,
    bank: Features,
    start: int,
    at: int,
    read: FeatureStatistics,
    settings: DiscoverSettings,
) -> Iterator[_Tail]:
    texts = unembedding.vocabulary.texts
    for verb, ids, weights in (
        ("promotes", read.top_ids[at], read.top_weights[at]),
        ("suppresses", read.bottom_ids[at], read.bottom_weights[at]),
    ):
        z = np.abs(weights - read.mean[at]) / read.std[at]
        order = tuple(ids[z >= settings.min_z].tolist())
        if len({_word(texts[token]) for token in order}) >= settings.min_words:
            name = address(bank.name, int(bank.indices[start + at]))
            yield _Tail(name, verb, frozenset(order), order, float(read.kurtosis[at]))


def _word(text: str) -> str:
    """Return what a token's spellings have in common."""
    return core_of(text.strip()) or text.strip() or text


def _grouped(tails: list[_Tail]) -> npt.NDArray[np.int64]:
    """Return the group of each tail: those alike, directly or through others."""
    sizes = np.array([len(tail.ids) for tail in tails])
    ids = np.concatenate([np.fromiter(tail.ids, np.int64) for tail in tails])
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    member = sparse.csr_matrix((np.ones(len(ids)), ids, indptr), shape=(len(tails), ids.max() + 1))
    shared = (member @ member.T).tocoo()
    union = sizes[shared.row] + sizes[shared.col] - shared.data
    alike = shared.data >= _ALIKE * union
    pairs = sparse.coo_matrix(
        (np.ones(alike.sum()), (shared.row[alike], shared.col[alike])), shape=shared.shape
    )
    _, group = connected_components(pairs, directed=False)
    return np.asarray(group, np.int64)


def _module(unembedding: Unembedding, bank: Features, group: list[_Tail]) -> Module:
    counts = Counter(token for tail in group for token in tail.ids)
    ids = [token for token, count in counts.items() if 2 * count >= len(group)]
    heaviest = max(group, key=lambda tail: tail.kurtosis)
    order = [token for token in heaviest.order if token in set(ids)]
    texts = unembedding.vocabulary.texts
    typical = dict.fromkeys(_word(texts[token]) for token in order)
    names = [tail.feature for tail in sorted(group, key=lambda tail: -tail.kurtosis)]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    verbs = " or ".join(sorted({tail.verb for tail in group}))
    what = "1 feature" if len(group) == 1 else f"{len(group)} features, each of which"
    return Module(
        np.unique(np.array(ids, np.int32)),
        tuple(typical),
        FAMILY,
        f"what the features of {bank.name} promote and suppress",
        f"{what} {verbs} it: {', '.join(names[:5])}{more} ({mark_of(bank)})",
    )


def mark_of(bank: Features) -> str:
    """Return what a module's description says of the bank it was found in, whatever its name.

    Files of sets keep it, so that a run can tell that the same features would be tested, through
    whatever lens: it is of the bank in its own layer.
    """
    return f"features sha256 {(bank.before or bank).digest[:16]}"
