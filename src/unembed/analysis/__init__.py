"""Analysing feature banks: the sweep and its readers, written to a run folder."""

from unembed.analysis.pipeline import analyze

__all__ = ["analyze"]
