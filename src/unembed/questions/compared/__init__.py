"""Dictionaries compared: the same features in two of them, and which is more interpretable."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
