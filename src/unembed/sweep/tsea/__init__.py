"""TSEA, a reader of the sweep: the post's, exact and signed, for any number of sets."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
