from .pipeline import analyze

__all__ = [
    "analyze",
]
