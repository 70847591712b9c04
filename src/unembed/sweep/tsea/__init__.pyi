from .membership import Membership
from .readings import TseaReadings

__all__ = ["Membership", "TseaReadings"]
