from . import neuronpedia
from .banks import by_depth, classes_by_bank, spread_by_bank
from .by_layer import layers
from .check import check_run, is_whole, wrong
from .es_of_sets import es_of_sets
from .exam import label_exam
from .explanation import explanation_facts
from .feature import feature_facts
from .features import flat, list_features
from .first_look import FirstLook, look_at_banks
from .matches import BankMatches, both_signs, follow, match_banks
from .pairs import list_pairs
from .published_classes import post_class, published_classes, universal_class
from .readings import first_part, leading_edge, leading_edge_facts, logit_weights, running_sum_of
from .run import Run
from .same_label import collisions
from .search.criteria import find
from .sets_by_bank import sets_by_bank
from .steering import steering
from .summary import overview
from .weights import RunWeights, weights_of

__all__ = [
    "BankMatches",
    "FirstLook",
    "Run",
    "RunWeights",
    "both_signs",
    "by_depth",
    "check_run",
    "classes_by_bank",
    "collisions",
    "es_of_sets",
    "explanation_facts",
    "feature_facts",
    "find",
    "first_part",
    "flat",
    "follow",
    "is_whole",
    "label_exam",
    "layers",
    "leading_edge",
    "leading_edge_facts",
    "list_features",
    "list_pairs",
    "logit_weights",
    "look_at_banks",
    "match_banks",
    "neuronpedia",
    "overview",
    "post_class",
    "published_classes",
    "running_sum_of",
    "sets_by_bank",
    "spread_by_bank",
    "steering",
    "universal_class",
    "weights_of",
    "wrong",
]
