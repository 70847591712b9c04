from . import circuits, neuronpedia
from .banks import by_depth, classes_by_bank, spread_by_bank
from .by_layer import layers
from .check import check_run, is_whole, wrong
from .compared import (
    Comparison,
    Dictionary,
    by_fate,
    compare_banks,
    dictionaries,
    interpretability_by_bank,
)
from .es_of_sets import es_of_sets
from .exam import label_exam
from .explanation import explanation_facts
from .feature import feature_facts
from .features import flat, list_features
from .first_look import FirstLook, look_at_banks
from .lens_truth import lens_check, untrue
from .lenses import same_but_for_lens
from .matches import BankMatches, both_signs, follow, match_banks
from .pairs import list_pairs
from .published_classes import post_class, published_classes, universal_class
from .readings import first_part, leading_edge, leading_edge_facts, logit_weights, running_sum_of
from .run import Run
from .same_label import collisions
from .search.criteria import find
from .sets_by_bank import sets_by_bank
from .sides import features_of_kind, read_and_written, sides_by_bank, sides_of
from .steering import steering
from .summary import overview
from .weights import RunWeights, weights_of

__all__ = [
    "BankMatches",
    "Comparison",
    "Dictionary",
    "FirstLook",
    "Run",
    "RunWeights",
    "both_signs",
    "by_depth",
    "by_fate",
    "check_run",
    "circuits",
    "classes_by_bank",
    "collisions",
    "compare_banks",
    "dictionaries",
    "es_of_sets",
    "explanation_facts",
    "feature_facts",
    "features_of_kind",
    "find",
    "first_part",
    "flat",
    "follow",
    "interpretability_by_bank",
    "is_whole",
    "label_exam",
    "layers",
    "leading_edge",
    "leading_edge_facts",
    "lens_check",
    "list_features",
    "list_pairs",
    "logit_weights",
    "look_at_banks",
    "match_banks",
    "neuronpedia",
    "overview",
    "post_class",
    "published_classes",
    "read_and_written",
    "running_sum_of",
    "same_but_for_lens",
    "sets_by_bank",
    "sides_by_bank",
    "sides_of",
    "spread_by_bank",
    "steering",
    "universal_class",
    "untrue",
    "weights_of",
    "wrong",
]
