from .manifest import MANIFEST, Manifest
from .tables import RunTables

__all__ = [
    "MANIFEST",
    "Manifest",
    "RunTables",
]
