from .engine import check_engine
from .lens_check import check_lenses
from .pipeline import analyze, analyze_share
from .share import Remaining, Share

__all__ = [
    "Remaining",
    "Share",
    "analyze",
    "analyze_share",
    "check_engine",
    "check_lenses",
]
