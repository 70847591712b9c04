from .contrast import by_contrast, contrast_z
from .criteria import find
from .like import by_likeness, nearest
from .token import by_token, ranks, token_weights
from .token_set import by_token_set

__all__ = [
    "by_contrast",
    "by_likeness",
    "by_token",
    "by_token_set",
    "contrast_z",
    "find",
    "nearest",
    "ranks",
    "token_weights",
]
