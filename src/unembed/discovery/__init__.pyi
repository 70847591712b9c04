from .collection import discovered_sets
from .of_model import discover
from .settings import DiscoverSettings

__all__ = [
    "DiscoverSettings",
    "discover",
    "discovered_sets",
]
