"""Token sets: named sets of tokens, defined over text and resolved for any vocabulary."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
