"""The enrichment reader of the sweep: the post's TSEA, exact and signed, for any number of sets."""

from unembed.sweep.enrichment.membership import Membership
from unembed.sweep.enrichment.readings import WEIGHTS, Enrichment, Weight

__all__ = ["WEIGHTS", "Enrichment", "Membership", "Weight"]
