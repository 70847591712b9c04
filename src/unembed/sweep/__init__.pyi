from .settings import MAX_TOP_K, SweepSettings, Weight
from .standardised import Standardised
from .statistics import FeatureStatistics, joined
from .sweep import Sweep, Tile
from .tsea import Membership, TseaReadings

__all__ = [
    "MAX_TOP_K",
    "FeatureStatistics",
    "Membership",
    "Standardised",
    "Sweep",
    "SweepSettings",
    "Tile",
    "TseaReadings",
    "Weight",
    "joined",
]
