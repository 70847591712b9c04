from .annotate import Annotation, annotate, annotated
from .feature_files import feature_files, features_of, write_feature_files
from .graph import CircuitGraph, read_graph
from .pairing import pair, unpair
from .placing import Placing, place_banks

__all__ = [
    "Annotation",
    "CircuitGraph",
    "Placing",
    "annotate",
    "annotated",
    "feature_files",
    "features_of",
    "pair",
    "place_banks",
    "read_graph",
    "unpair",
    "write_feature_files",
]
