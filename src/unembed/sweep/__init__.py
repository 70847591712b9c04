"""The sweep over tiles of logit weights, and its readers."""

from unembed.sweep.settings import SweepSettings, Weight
from unembed.sweep.sweep import FeatureStatistics, Standardised, Sweep, Tile, joined
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
