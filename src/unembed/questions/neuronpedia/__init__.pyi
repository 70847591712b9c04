from .beside import beside_of
from .comparison import agreement, agreements
from .export import Spelling, exported
from .links import (
    LIST_LIMIT,
    PARTS,
    SITE,
    Sources,
    embedded,
    on_site,
    page,
    quick_list,
    source_of,
    sources_of,
)
from .upload import Upload, uploads

__all__ = [
    "LIST_LIMIT",
    "PARTS",
    "SITE",
    "Sources",
    "Spelling",
    "Upload",
    "agreement",
    "agreements",
    "beside_of",
    "embedded",
    "exported",
    "on_site",
    "page",
    "quick_list",
    "source_of",
    "sources_of",
    "uploads",
]
