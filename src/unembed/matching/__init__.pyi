from .banks import Matches, Side, match
from .settings import By

__all__ = [
    "By",
    "Matches",
    "Side",
    "match",
]
