"""Built-in collections that were resolved before, kept in the cache folder.

The key covers everything that decides the outcome: the vocabulary, the collection, its limits,
and this package's definitions, data and code.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from unembed import sealed
from unembed.cache import cache_folder, entry_of, new_file
from unembed.errors import FormatError, TokenSetError
from unembed.parquet import read_parquet, said_of, write_parquet
from unembed.tokensets.frame import from_frame, to_frame
from unembed.tokensets.token_sets import TokenSets
from unembed.vocabulary import Vocabulary

_PACKAGE = Path(__file__).parent
_ENDINGS = (".py", ".yaml", ".parquet")


def cached(
    vocabulary: Vocabulary, what: tuple[object, ...], build: Callable[[], TokenSets]
) -> TokenSets:
    """Return the sets from the cache, or build them and keep them there.

    A cache that is damaged or cannot be written costs time, never the result.

    Args:
        vocabulary: the vocabulary they are of.
        what: the collection and its settings.
        build: makes them.
    """
    path = _path(vocabulary, what)
    with suppress(OSError, PolarsError, FormatError, TokenSetError, TypeError):
        sealed.verify(path, required=True)
        if said_of(path).items() >= entry_of(path).items():
            return from_frame(read_parquet(path), vocabulary)
    sets = build()
    with suppress(OSError, PolarsError), new_file(path) as part:
        write_parquet(part, to_frame(sets), entry_of(path))
    return sets


def _path(vocabulary: Vocabulary, what: tuple[object, ...]) -> Path:
    parts = (vocabulary.digest, _library(), *map(repr, what))
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return cache_folder() / "token_sets" / f"{key[:32]}.parquet"


@cache
def _library() -> str:
    """Return a hash of the definitions, data and code, and of the Unicode they are read with."""
    content = hashlib.sha256(f"{sys.version_info[:2]} {pl.__version__}".encode())
    for path in sorted(_PACKAGE.rglob("*")):
        if path.suffix in _ENDINGS:
            content.update(path.relative_to(_PACKAGE).as_posix().encode())
            content.update(path.read_bytes())
    return content.hexdigest()
