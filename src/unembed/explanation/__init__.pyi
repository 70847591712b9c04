from .classes import Envelope
from .explainer import Explainer
from .explanation import Explanation, Part, Rejection
from .names import CLASSES, FeatureClass
from .settings import ExplanationSettings

__all__ = [
    "CLASSES",
    "Envelope",
    "Explainer",
    "Explanation",
    "ExplanationSettings",
    "FeatureClass",
    "Part",
    "Rejection",
]
