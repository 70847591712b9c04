"""Reads what a language model's features write."""

from unembed.features import Features
from unembed.load import load_features, load_unembedding

__all__ = ["Features", "load_features", "load_unembedding"]
__version__ = "0.1.0"
