"""Neuronpedia (neuronpedia.org): links, what it says of features, and what it can be told."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
