from .files import FromFiles
from .gathered import KINDS, Gathered, Kind
from .site import BASE, FromSite

__all__ = ["BASE", "KINDS", "FromFiles", "FromSite", "Gathered", "Kind"]
