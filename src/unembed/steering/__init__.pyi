from .control_vector import write_control_vector
from .prompts import NEUTRAL
from .settings import SteerSettings
from .steer import steer

__all__ = ["NEUTRAL", "SteerSettings", "steer", "write_control_vector"]
