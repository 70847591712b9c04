"""Reads what a language model's features write.

>>> import unembed
>>> unembedding = unembed.load_unembedding("gpt2")  # doctest: +SKIP
>>> features = unembed.load_features("mlp:8", model="gpt2")  # doctest: +SKIP
>>> sets = unembed.build_token_sets(unembedding.vocabulary)  # doctest: +SKIP
>>> run = unembed.analyze(
...     unembedding, features, "runs/gpt2-mlp", token_sets=sets
... )  # doctest: +SKIP
>>> run.features.sort("kurtosis", descending=True)  # doctest: +SKIP
>>> run.enrichment("mlp.8/7")  # doctest: +SKIP
"""

from unembed import notebook
from unembed.analysis import analyze
from unembed.discovery import DiscoverSettings, discover
from unembed.enrichment import (
    Contrast,
    EnrichmentSettings,
    SecondMoment,
    direction_test,
    leading_edge,
)
from unembed.errors import UnembedError
from unembed.explanation import ExplanationSettings
from unembed.features import Features
from unembed.live import weights_of
from unembed.load import load_features, load_model, load_unembedding, load_vocabulary
from unembed.load.catalogue import list_saes
from unembed.matching import follow, match_banks
from unembed.search import find
from unembed.store import Run
from unembed.sweep import Sweep, SweepSettings
from unembed.tokensets import TokenSets, build_token_sets
from unembed.tokensets import merge as merge_token_sets
from unembed.unembedding import FinalNorm, Unembedding, prepare_unembedding
from unembed.version import __version__
from unembed.vocabulary import Vocabulary

__all__ = [
    "Contrast",
    "DiscoverSettings",
    "EnrichmentSettings",
    "ExplanationSettings",
    "Features",
    "FinalNorm",
    "Run",
    "SecondMoment",
    "Sweep",
    "SweepSettings",
    "TokenSets",
    "UnembedError",
    "Unembedding",
    "Vocabulary",
    "__version__",
    "analyze",
    "build_token_sets",
    "direction_test",
    "discover",
    "find",
    "follow",
    "leading_edge",
    "list_saes",
    "load_features",
    "load_model",
    "load_unembedding",
    "load_vocabulary",
    "match_banks",
    "merge_token_sets",
    "notebook",
    "prepare_unembedding",
    "weights_of",
]
