"""All modules of tokens in a model: those of W_U, and those of its features."""

from __future__ import annotations

from collections.abc import Sequence

from unembed.discovery.features import modules_of_features
from unembed.discovery.naming import named
from unembed.discovery.rows import modules_of_rows
from unembed.discovery.settings import DiscoverSettings
from unembed.discovery.words import directions, words_of
from unembed.features import Features
from unembed.progress import Progress, silent
from unembed.tokensets.assemble import assemble
from unembed.tokensets.reading import Reading
from unembed.tokensets.token_sets import TokenSets
from unembed.unembedding import Unembedding


def discover(
    unembedding: Unembedding,
    features: Features | Sequence[Features] = (),
    *,
    known: TokenSets | None = None,
    settings: DiscoverSettings | None = None,
    progress: Progress = silent,
) -> TokenSets:
    """Return the modules of tokens found in W_U and in what features promote.

    Those of W_U (family `discovered/rows`) come first, then those of the features
    (`discovered/features`), each from the most cohesive on; descriptions give the figures.

    Args:
        unembedding: of the model.
        features: banks whose heavy-tailed features are read; none for W_U alone.
        known: sets that modules may be named after.
        settings: how to look.
        progress: called as the work goes on.

    Raises:
        ShapeError: when a bank's width is not the unembedding's.
    """
    settings = settings or DiscoverSettings()
    banks = [features] if isinstance(features, Features) else list(features)
    words = words_of(Reading(unembedding.vocabulary))
    points = directions(unembedding, words)
    found = modules_of_rows(unembedding, words, points, settings, progress).modules
    for bank in banks:
        found += modules_of_features(unembedding, bank, settings, progress)
    drafts = named(found, unembedding, known)
    return assemble(drafts, unembedding.vocabulary, min_size=settings.min_words)
