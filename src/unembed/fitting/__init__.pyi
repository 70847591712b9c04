from .check_settings import NEUTRAL, CheckPlan, CheckSettings
from .fit import FittedLens, fit_lens
from .memory import Memory
from .settings import DTYPES, SAMPLE, FitSettings, layers_named
from .stability import Stability

__all__ = [
    "DTYPES",
    "NEUTRAL",
    "SAMPLE",
    "CheckPlan",
    "CheckSettings",
    "FitSettings",
    "FittedLens",
    "Memory",
    "Stability",
    "fit_lens",
    "layers_named",
]
