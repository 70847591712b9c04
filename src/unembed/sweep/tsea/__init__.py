"""TSEA, a reader of the sweep: the post's, exact and signed, for any number of sets."""

from unembed.sweep.tsea.membership import Membership
from unembed.sweep.tsea.readings import TseaReadings

__all__ = ["Membership", "TseaReadings"]
