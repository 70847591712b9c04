"""Steering: features added to the stream of their model, and what that does to what it writes.

Everything else here reads weights alone. This runs the model, and so needs `transformers` (the
extra `steer`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
