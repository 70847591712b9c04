"""Layouts that the registry has no entry of, and files that hold no directions to be read."""

from tests.load.published_layouts.unlisted import (
    dictionaries,
    native,
    openmoss,
    others,
    plain,
    refused,
    sparsify,
)
from tests.load.published_layouts.unlisted.case import CASES, Case, make

__all__ = [
    "CASES",
    "Case",
    "dictionaries",
    "make",
    "native",
    "openmoss",
    "others",
    "plain",
    "refused",
    "sparsify",
]
