"""The sweep over tiles of logit weights, and its readers."""

from unembed.sweep.sweep import FeatureStatistics, Sweep, SweepSettings

__all__ = ["FeatureStatistics", "Sweep", "SweepSettings"]
