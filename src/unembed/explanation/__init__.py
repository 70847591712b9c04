"""What kind of feature is it, and what does it write, in one line?"""

from unembed.explanation.classes import CLASSES, Envelope, FeatureClass
from unembed.explanation.explainer import Explainer
from unembed.explanation.explanation import Explanation, Part, Rejection
from unembed.explanation.settings import ExplanationSettings

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
