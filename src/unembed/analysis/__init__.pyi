from .engine import check_engine
from .neuronpedia import Fetched, fetch_neuronpedia
from .pipeline import analyze, analyze_share
from .share import Remaining, Share

__all__ = [
    "Fetched",
    "Remaining",
    "Share",
    "analyze",
    "analyze_share",
    "check_engine",
    "fetch_neuronpedia",
]
