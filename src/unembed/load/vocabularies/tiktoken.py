"""tiktoken rank files: a base64 token and its rank on each line, plain or gzipped."""

from __future__ import annotations

import base64
import binascii
import codecs
import gzip
import re
import zlib
from pathlib import Path

from unembed.errors import FormatError, VocabularyError
from unembed.load.vocabularies.tokens import Tokens

_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} \d+\r?\n")


def is_tiktoken(path: Path) -> bool:
    """Return whether a file begins with a base64 token and its rank, whatever it is called.

    Llama 3's `tokenizer.model` is such a file; other models' of that name are SentencePiece's.
    """
    with path.open("rb") as file:
        return _LINE.match(file.read(4096).removeprefix(codecs.BOM_UTF8)) is not None


def read_tiktoken(path: Path) -> Tokens:
    """Return the tokens of a tiktoken rank file, such as `.tiktoken` or `.tiktoken.gz`.

    Such files hold no special tokens: the ids they leave out, between and after the ranks,
    become unused rows, unless a file beside them names them.

    Raises:
        FormatError: naming the first line that is no base64 token with a rank.
        VocabularyError: naming the line of a rank that stood before.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"{path} is not a gzip file: {error}. Download it again.") from error
    written: dict[int, bytes] = {}
    for number, line in enumerate(raw.removeprefix(codecs.BOM_UTF8).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            encoded, digits = line.split()
            token, rank = base64.b64decode(encoded, validate=True), int(digits)
        except (ValueError, binascii.Error) as error:
            raise FormatError(
                f"{path}, line {number}: expected a base64 token and its rank, found {line[:60]!r}."
            ) from error
        if rank in written:
            raise VocabularyError(
                f"{path}, line {number}: rank {rank} is that of {token!r}, but of "
                f"{written[rank]!r} too. A rank stands for one token; the file is damaged, "
                "download it again."
            )
        written[rank] = token
    return Tokens("tiktoken ranks", written=written)
