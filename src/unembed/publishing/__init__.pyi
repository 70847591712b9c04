from .card import About
from .parcel import Parcel, pack
from .upload import publish, publish_run

__all__ = [
    "About",
    "Parcel",
    "pack",
    "publish",
    "publish_run",
]
