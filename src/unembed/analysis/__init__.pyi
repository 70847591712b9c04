from .engine import check_engine
from .pipeline import analyze, analyze_share
from .share import Remaining, Share

__all__ = [
    "Remaining",
    "Share",
    "analyze",
    "analyze_share",
    "check_engine",
]
