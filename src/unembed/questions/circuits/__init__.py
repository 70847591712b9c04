"""Attribution graphs of circuit-tracer: labels for their nodes, and files of their features."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
