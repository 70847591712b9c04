"""The sweep over tiles of logit weights, and its readers."""

from unembed.sweep.settings import SweepSettings, Weight
from unembed.sweep.standardised import Standardised
from unembed.sweep.statistics import FeatureStatistics, joined
from unembed.sweep.sweep import Sweep, Tile
from unembed.sweep.tails import TailKurtosis, tail_kurtosis
from unembed.sweep.tsea import Membership, TseaReadings

__all__ = [
    "FeatureStatistics",
    "Membership",
    "Standardised",
    "Sweep",
    "SweepSettings",
    "TailKurtosis",
    "Tile",
    "TseaReadings",
    "Weight",
    "joined",
    "tail_kurtosis",
]
