"""Reads what a language model's features write.

>>> import unembed
>>> unembedding = unembed.load_unembedding("gpt2")  # doctest: +SKIP
>>> features = unembed.load_features("mlp:8", model="gpt2")  # doctest: +SKIP
>>> run = unembed.analyze(unembedding, features, "runs/gpt2-mlp")  # doctest: +SKIP
>>> run.features.sort("kurtosis", descending=True)  # doctest: +SKIP
"""

from unembed.analysis import analyze
from unembed.errors import UnembedError
from unembed.features import Features
from unembed.load import load_features, load_model, load_unembedding, load_vocabulary
from unembed.store import Run
from unembed.sweep import Sweep, SweepSettings
from unembed.unembedding import FinalNorm, Unembedding, prepare_unembedding
from unembed.version import __version__
from unembed.vocabulary import Vocabulary

__all__ = [
    "Features",
    "FinalNorm",
    "Run",
    "Sweep",
    "SweepSettings",
    "UnembedError",
    "Unembedding",
    "Vocabulary",
    "__version__",
    "analyze",
    "load_features",
    "load_model",
    "load_unembedding",
    "load_vocabulary",
    "prepare_unembedding",
]
