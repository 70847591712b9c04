"""Token sets: named sets of tokens, defined over text and resolved for any vocabulary."""

from unembed.tokensets.assemble import merge
from unembed.tokensets.build import build_token_sets
from unembed.tokensets.files.gmt import read_gmt, write_gmt
from unembed.tokensets.token_sets import SetAside, SetInfo, TokenSets

__all__ = [
    "SetAside",
    "SetInfo",
    "TokenSets",
    "build_token_sets",
    "merge",
    "read_gmt",
    "write_gmt",
]
