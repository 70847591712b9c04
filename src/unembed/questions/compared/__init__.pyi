from .banks import Dictionary, dictionaries
from .features import by_fate
from .interpretability import interpretability_by_bank
from .only import sets_of_one
from .pair import Comparison, compare_banks
from .settings import BY, By

__all__ = [
    "BY",
    "By",
    "Comparison",
    "Dictionary",
    "by_fate",
    "compare_banks",
    "dictionaries",
    "interpretability_by_bank",
    "sets_of_one",
]
