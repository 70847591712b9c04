"""Fitting a Jacobian lens to one's own model: what a direction of a layer becomes at the last one.

Everything else here reads weights alone. This runs the model, forwards and backwards, and so needs
`transformers` (the extra `fit`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
