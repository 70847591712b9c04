from .engine import check_engine
from .lens_check import check_lenses
from .neuronpedia import Fetched, fetch_neuronpedia
from .pipeline import analyze, analyze_share
from .random_decoder import analyze_random, random_decoder
from .share import Remaining, Share

__all__ = [
    "Fetched",
    "Remaining",
    "Share",
    "analyze",
    "analyze_random",
    "analyze_share",
    "check_engine",
    "check_lenses",
    "fetch_neuronpedia",
    "random_decoder",
]
