"""What the terminal shows: drawing alone, of frames and facts that `questions` return."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
