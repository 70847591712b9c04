from .report import worth_showing, write_feature, write_site
from .server import Background, serve

__all__ = [
    "Background",
    "serve",
    "worth_showing",
    "write_feature",
    "write_site",
]
