from . import notebook, plots
from .analysis import Remaining, Share, analyze, analyze_share
from .discovery import DiscoverSettings, discover, discovered_sets
from .enrichment import Contrast, EnrichmentSettings, SecondMoment, direction_test, leading_edge
from .errors import UnembedError
from .explanation import ExplanationSettings
from .features import Features
from .fitting import FitSettings, fit_lens
from .layer_lens import LayerLens
from .load import (
    list_saes,
    load_features,
    load_lens,
    load_model,
    load_unembedding,
    load_vocabulary,
    through_lenses,
)
from .publishing import publish_run
from .questions import Run, check_run, find, flat, follow, match_banks, neuronpedia, weights_of
from .sweep import Sweep, SweepSettings
from .tokensets import TokenSets, build_token_sets, merge_token_sets
from .unembedding import FinalNorm, Unembedding, prepare_unembedding
from .version import __version__
from .vocabulary import Vocabulary

__all__ = [
    "Contrast",
    "DiscoverSettings",
    "EnrichmentSettings",
    "ExplanationSettings",
    "Features",
    "FinalNorm",
    "FitSettings",
    "LayerLens",
    "Remaining",
    "Run",
    "SecondMoment",
    "Share",
    "Sweep",
    "SweepSettings",
    "TokenSets",
    "UnembedError",
    "Unembedding",
    "Vocabulary",
    "__version__",
    "analyze",
    "analyze_share",
    "build_token_sets",
    "check_run",
    "direction_test",
    "discover",
    "discovered_sets",
    "find",
    "fit_lens",
    "flat",
    "follow",
    "leading_edge",
    "list_saes",
    "load_features",
    "load_lens",
    "load_model",
    "load_unembedding",
    "load_vocabulary",
    "match_banks",
    "merge_token_sets",
    "neuronpedia",
    "notebook",
    "plots",
    "prepare_unembedding",
    "publish_run",
    "through_lenses",
    "weights_of",
]
