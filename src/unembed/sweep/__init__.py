"""The sweep over tiles of logit weights, and its readers."""

from unembed.sweep.enrichment import Enrichment, Membership, Weight
from unembed.sweep.sweep import FeatureStatistics, Standardised, Sweep, SweepSettings, Tile, joined
from unembed.sweep.tails import TailKurtosis, tail_kurtosis

__all__ = [
    "Enrichment",
    "FeatureStatistics",
    "Membership",
    "Standardised",
    "Sweep",
    "SweepSettings",
    "TailKurtosis",
    "Tile",
    "Weight",
    "joined",
    "tail_kurtosis",
]
