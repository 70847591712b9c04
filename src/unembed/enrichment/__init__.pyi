from .directions import DirectionTest, Null, Scores, direction_test
from .edge import LeadingEdge
from .effects import Contrast
from .one_pair import leading_edge
from .second_moment import SecondMoment
from .settings import EnrichmentSettings

__all__ = [
    "Contrast",
    "DirectionTest",
    "EnrichmentSettings",
    "LeadingEdge",
    "Null",
    "Scores",
    "SecondMoment",
    "direction_test",
    "leading_edge",
]
