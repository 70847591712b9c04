from .assemble import merge_token_sets
from .build import build_token_sets
from .check import check_file
from .describe import describe, describe_all
from .export import check_export, write_sets
from .files.gmt import read_gmt, write_gmt
from .properties import token_properties
from .settings import DEFAULT
from .token_sets import SetAside, SetInfo, TokenSets

__all__ = [
    "DEFAULT",
    "SetAside",
    "SetInfo",
    "TokenSets",
    "build_token_sets",
    "check_export",
    "check_file",
    "describe",
    "describe_all",
    "merge_token_sets",
    "read_gmt",
    "token_properties",
    "write_gmt",
    "write_sets",
]
