from .engine import check_engine
from .pipeline import analyze, analyze_share
from .random_decoder import analyze_random, random_decoder
from .share import Remaining, Share

__all__ = [
    "Remaining",
    "Share",
    "analyze",
    "analyze_random",
    "analyze_share",
    "check_engine",
    "random_decoder",
]
