"""Which token sets does each feature promote or suppress?"""

from unembed.enrichment.directions import DirectionTest, Null, Scores, direction_test
from unembed.enrichment.edge import LeadingEdge
from unembed.enrichment.effects import Contrast
from unembed.enrichment.one_pair import leading_edge
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
