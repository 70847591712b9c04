"""Token sets found in the weights themselves, where no list holds them.

Two ways lead to them. Words whose rows of W_U point the same way are one module (`rows`); so are
tokens that the same features promote or suppress (`features`). Both are named after the best known
set, or after their most typical words.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
