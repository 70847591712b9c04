"""What is asked of a run: each a function from a run to a frame, or to facts.

`Run` is the face of it. Whatever is read again from weights says so; the rest reads tables alone.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
