from . import notebook, plots
from .analysis import (
    Remaining,
    Share,
    analyze,
    analyze_random,
    analyze_share,
    check_lenses,
    fetch_neuronpedia,
)
from .discovery import DiscoverSettings, discover, discovered_sets
from .enrichment import Contrast, EnrichmentSettings, SecondMoment, direction_test, leading_edge
from .errors import UnembedError
from .explanation import ExplanationSettings
from .features import Features
from .fitting import CheckPlan, CheckSettings, FitSettings, fit_lens
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
from .questions import (
    Comparison,
    Run,
    check_run,
    compare_banks,
    dictionaries,
    find,
    flat,
    follow,
    interpretability_by_bank,
    match_banks,
    neuronpedia,
    read_and_written,
    sides_by_bank,
    weights_of,
)
from .steering import SteerSettings, steer, write_control_vector
from .sweep import Sweep, SweepSettings
from .tokensets import TokenSets, build_token_sets, merge_token_sets
from .unembedding import FinalNorm, Unembedding, prepare_unembedding
from .version import __version__
from .vocabulary import Vocabulary

__all__ = [
    "CheckPlan",
    "CheckSettings",
    "Comparison",
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
    "SteerSettings",
    "Sweep",
    "SweepSettings",
    "TokenSets",
    "UnembedError",
    "Unembedding",
    "Vocabulary",
    "__version__",
    "analyze",
    "analyze_random",
    "analyze_share",
    "build_token_sets",
    "check_lenses",
    "check_run",
    "compare_banks",
    "dictionaries",
    "direction_test",
    "discover",
    "discovered_sets",
    "fetch_neuronpedia",
    "find",
    "fit_lens",
    "flat",
    "follow",
    "interpretability_by_bank",
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
    "read_and_written",
    "sides_by_bank",
    "steer",
    "through_lenses",
    "weights_of",
    "write_control_vector",
]
