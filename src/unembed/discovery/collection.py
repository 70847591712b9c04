"""The collection `discovered`: modules of W_U that have names of their own.

A module that a known set describes adds nothing to a run that tests that set; one without a name
that a person would read says nothing in a label. What is left joins, and only if it is no chance
(`chance`). It is a collection as any other: made from W_U alone, never from the features that are
tested, so that it is the same whatever they are, and the direction test holds as it stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache as once
from pathlib import Path

import networkx
import scipy

from unembed.discovery.chance import MAX_Q, chance_of
from unembed.discovery.module import Module
from unembed.discovery.naming import (
    PREFIX,
    DistinctWords,
    Likeness,
    described,
    likenesses,
    written,
)
from unembed.discovery.own_name import N_NAMING, naming_words, unnameable
from unembed.discovery.rows import modules_of_rows
from unembed.discovery.settings import DiscoverSettings
from unembed.discovery.words import directions, words_of
from unembed.progress import Progress, silent
from unembed.sweep.device import device_named
from unembed.tokensets.apart import set_apart
from unembed.tokensets.assemble import Draft, assemble
from unembed.tokensets.build import build_token_sets
from unembed.tokensets.cache import cached
from unembed.tokensets.reading import Reading
from unembed.tokensets.settings import DISCOVERED
from unembed.tokensets.token_sets import SetInfo, TokenSets
from unembed.unembedding import Unembedding

UNTRAINED = 0.9
"""Words of a larger mean cosine have rows that no text moved: those of months have 0.74."""
_MOST_NAMED = 6


def discovered_sets(
    unembedding: Unembedding,
    *,
    settings: DiscoverSettings | None = None,
    cache: bool = True,
    progress: Progress = silent,
) -> TokenSets:
    """Return the modules of W_U that have names of their own, as token sets.

    They are called after their three most typical words that are no forms of one another. Modules
    that do not join are in `set_aside`, each with the reason. Looking for them takes minutes on a
    CPU, and is done once: they are kept in the cache folder, by the digest of the unembedding.

    Args:
        unembedding: of the model.
        settings: how to look; what it says of features is of no account.
        cache: keep the sets in the cache folder, and use what is there.
        progress: called as the work goes on.
    """
    settings = settings or DiscoverSettings()
    where = device_named(settings.device).type
    decisive = replace(settings, device=where)
    vocabulary = unembedding.vocabulary

    def build() -> TokenSets:
        drafts = _drafts(unembedding, settings, progress)
        return assemble(drafts, vocabulary, min_size=settings.min_words)

    if not cache:
        return build()
    what = (DISCOVERED, unembedding.digest, unembedding.name, decisive, _code())
    return cached(vocabulary, what, build)


def _drafts(
    unembedding: Unembedding, settings: DiscoverSettings, report: Progress
) -> Iterator[Draft]:
    reading = Reading(unembedding.vocabulary)
    words = words_of(reading)
    points = directions(unembedding, words)
    rows = modules_of_rows(unembedding, words, points, settings, report)
    modules = rows.modules
    p, q = chance_of(rows, words, points, settings, report)
    known = build_token_sets(unembedding.vocabulary)
    likely = [*likenesses(modules, unembedding, known)]
    distinct = DistinctWords(unembedding.vocabulary)
    drafts: list[Draft] = []
    naming: list[list[str]] = []
    for at, (module, like) in enumerate(zip(modules, likely, strict=True)):
        own = distinct.of(module)
        naming.append(naming_words(own, reading) or own)
        reason = _reason(module, like, float(p[at]), float(q[at]))
        reason = reason or unnameable(own, naming_words(own, reading), reading)
        said = f"{described(module, like)} Chance {p[at]:.1g}."
        info = SetInfo(PREFIX, module.family, said, module.source, _how(unembedding, settings))
        drafts.append(Draft(info, module.ids, aside=reason))
    named = _named(drafts, naming)
    yield from (draft for draft in named if draft.aside)
    joining = [draft for draft in named if not draft.aside]
    yield from set_apart(joining, (), len(unembedding.vocabulary), settings.min_words)


def _reason(module: Module, like: Likeness, p: float, q: float) -> str:
    """Return why a module does not join, whatever its words; nothing where it may."""
    if like.name is not None:
        return f"{like.name!r} describes it (F1 {like.f1:.2f})"
    if module.cohesion > UNTRAINED:
        return f"rows that are all but the same (mean cosine {module.cohesion:.2f})"
    if q > MAX_Q:
        return f"words without meanings are as near (p {p:.2g})"
    return ""


def _named(drafts: Sequence[Draft], words: Sequence[Sequence[str]]) -> list[Draft]:
    """Return sets called after their first three words, or more where another has the same.

    Those that join are named first, so that no name depends on what is left out.
    """
    found = list(drafts)
    taken: set[str] = set()
    for at in sorted(range(len(drafts)), key=lambda at: bool(drafts[at].aside)):
        name = _free([written(word) for word in words[at]], taken)
        taken.add(name)
        found[at] = drafts[at]._replace(info=replace(drafts[at].info, name=name))
    return found


def _free(words: Sequence[str], taken: set[str]) -> str:
    """Return a name that is not taken."""
    for count in range(N_NAMING, _MOST_NAMED + 1):
        name = PREFIX + "/".join(words[:count])
        if name not in taken:
            return name
    number = next(n for n in range(2, len(taken) + 3) if f"{name} ({n})" not in taken)
    return f"{name} ({number})"


def _how(unembedding: Unembedding, settings: DiscoverSettings) -> str:
    """Return what a set's members follow from, in words."""
    resolutions = " and ".join(f"{each:g}" for each in settings.resolutions)
    return (
        f"found by discover: {settings.neighbours} neighbours, resolutions {resolutions}, "
        f"{settings.min_words} words or more, seed {settings.seed}, "
        f"unembedding {unembedding.digest[:16]}"
    )


@once
def _code() -> str:
    """Return a hash of what decides the outcome here, and is not in the token sets' own."""
    content = hashlib.sha256(f"{networkx.__version__} {scipy.__version__}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        content.update(path.read_bytes())
    return content.hexdigest()
