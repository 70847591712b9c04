"""tiktoken rank files: a base64 token and its rank on each line, plain or gzipped."""

from __future__ import annotations

import base64
import binascii
import codecs
import gzip
import re
import zlib
from io import BytesIO
from pathlib import Path

from unembed.errors import FormatError, VocabularyError
from unembed.load.vocabularies.tokens import Tokens
from unembed.outside.files import read_bytes
from unembed.outside.limits import TIKTOKEN_BYTES

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
    raw = read_bytes(path, TIKTOKEN_BYTES)
    if path.suffix == ".gz":
        raw = _unpacked(raw, path)
    written: dict[int, bytes] = {}
    for number, line in enumerate(BytesIO(raw.removeprefix(codecs.BOM_UTF8)), start=1):
        if not line.strip():
            continue
        try:
            encoded, digits = line.split()
            token, rank = base64.b64decode(encoded, validate=True), int(digits)
        except (ValueError, binascii.Error) as error:
            raise FormatError(
                f"{path}, line {number}: expected a base64 token and its rank, found "
                f"{line.strip()[:60]!r}."
            ) from error
        if rank in written:
            raise VocabularyError(
                f"{path}, line {number}: rank {rank} is that of {token!r}, but of "
                f"{written[rank]!r} too. A rank stands for one token; the file is damaged, "
                "download it again."
            )
        written[rank] = token
    return Tokens("tiktoken ranks", written=written)


def _unpacked(raw: bytes, path: Path) -> bytes:
    """Return what was packed, and no more of it than such files have: a few kB may hold GBs."""
    try:
        with gzip.GzipFile(fileobj=BytesIO(raw)) as packed:
            found = packed.read(TIKTOKEN_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"{path} is not a gzip file: {error}. Download it again.") from error
    if len(found) > TIKTOKEN_BYTES:
        raise FormatError(
            f"{path} unpacks to more than {TIKTOKEN_BYTES >> 20} MB, which no such file has. It is "
            "damaged; download it again."
        )
    return found
