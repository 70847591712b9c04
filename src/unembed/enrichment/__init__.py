"""Which token sets does each feature promote or suppress?"""

from unembed.enrichment.directions import DirectionTest, Null, Scores, direction_test
from unembed.enrichment.effects import Contrast
from unembed.enrichment.leading_edge import LeadingEdge, leading_edge
from unembed.enrichment.second_moment import SecondMoment
from unembed.enrichment.settings import EnrichmentSettings

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
