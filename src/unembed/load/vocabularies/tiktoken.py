"""tiktoken rank files: a base64 token and its rank on each line, plain or gzipped."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from pathlib import Path

from unembed.errors import FormatError, VocabularyError
from unembed.vocabulary import Vocabulary


def read_tiktoken(path: Path) -> Vocabulary:
    """Return the vocabulary of a `.tiktoken` or `.tiktoken.gz` file.

    Such files hold no special tokens: the ids they leave out, between and after the ranks,
    become unused rows.

    Raises:
        FormatError: naming the first line that is no base64 token with a rank.
        VocabularyError: naming the line of a rank that stood before.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"{path} is not a gzip file: {error}. Download it again.") from error
    written: dict[int, bytes] = {}
    for number, line in enumerate(raw.splitlines(), start=1):
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
    return Vocabulary.from_ids(written, kind="tiktoken ranks")
