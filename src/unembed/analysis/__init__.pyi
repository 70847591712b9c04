from .engine import check_engine
from .lens_check import check_lenses
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
    "check_lenses",
    "random_decoder",
]
