"""Token sets found in the weights themselves, where no list holds them.

Two ways lead to them. Words whose rows of W_U point the same way are one module (`rows`); so are
tokens that the same features promote or suppress (`features`). Both are named after the best known
set, or after their most typical words.
"""

from unembed.discovery.of_model import discover
from unembed.discovery.settings import DiscoverSettings

__all__ = ["DiscoverSettings", "discover"]
