"""Loading: a reference becomes an `Unembedding`, or banks of `Features`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
