"""GPT-2's own files: `vocab.json` with `merges.txt` (or `encoder.json` with `vocab.bpe`)."""

from __future__ import annotations

import json
from collections.abc import Container
from operator import index as integer
from pathlib import Path

from unembed.errors import FormatError
from unembed.load.vocabularies import pieces
from unembed.vocabulary import Vocabulary


def read_gpt2_files(vocab: Path, merges: Path | None = None) -> Vocabulary:
    """Return the vocabulary of GPT-2's piece table.

    With the merges, a special token is one that text can never reach: neither a single byte
    nor the product of a merge (`<|endoftext|>`). Without them, its name decides.

    Raises:
        FormatError: when the table does not map pieces to ids, or the merges are not its own.
        VocabularyError: when two pieces have the same id.
    """
    try:
        table = json.loads(vocab.read_bytes())
        ids = [(str(piece), integer(index)) for piece, index in table.items()]
    except (ValueError, AttributeError, TypeError) as error:
        raise FormatError(
            f"{vocab} should be a JSON table of pieces and ids, as GPT-2's vocab.json: {error}."
        ) from error
    piece_of_id = pieces.by_id(ids, vocab)
    reachable = _products(merges, table, vocab) if merges else None
    special, unused, written = set(), set(), {}
    for index, piece in piece_of_id.items():
        written[index] = pieces.byte_level(piece)
        if pieces.is_placeholder(piece):
            unused.add(index)
        elif (
            pieces.is_control(piece)
            if reachable is None
            else len(piece) > 1 and piece not in reachable
        ):
            special.add(index)
            written[index] = piece.encode()
    return Vocabulary.from_ids(
        written, special=special, unused=unused, kind=f"{vocab.name}, byte-level BPE"
    )


def _products(merges: Path, table: Container[str], vocab: Path) -> set[str]:
    try:
        lines = merges.read_text(encoding="utf-8").splitlines()
    except ValueError as error:
        raise FormatError(f"{merges} is no text: {error}. Download it again.") from error
    pairs = (line.split(" ") for line in lines if not line.startswith("#version"))
    products = {left + right for left, right in (pair for pair in pairs if len(pair) == 2)}
    stray = next((product for product in products if product not in table), None)
    if stray is not None or not products:
        found = "holds no merges" if stray is None else f"makes {stray!r}, which is not in {vocab}"
        raise FormatError(
            f"{merges} {found}: the two files do not belong together. Get both again."
        )
    return products
