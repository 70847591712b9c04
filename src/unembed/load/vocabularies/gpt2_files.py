"""GPT-2's own files: `vocab.json` with `merges.txt` (or `encoder.json` with `vocab.bpe`)."""

from __future__ import annotations

import json
from pathlib import Path

from unembed.errors import FormatError
from unembed.load.vocabularies import pieces
from unembed.vocabulary import Vocabulary


def read_gpt2_files(vocab: Path, merges: Path | None = None) -> Vocabulary:
    """Return the vocabulary of GPT-2's piece table.

    With the merges, a special token is one that text can never reach: neither a single byte
    nor the product of a merge (`<|endoftext|>`). Without them, its name decides.

    Raises:
        FormatError: when the table does not map pieces to ids.
    """
    try:
        table = json.loads(vocab.read_bytes())
        id_of_piece = {str(piece): int(index) for piece, index in table.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise FormatError(
            f"{vocab} should be a JSON table of pieces and ids, as GPT-2's vocab.json: {error}."
        ) from error
    reachable = _products(merges) if merges else None
    special, unused, written = set(), set(), {}
    for piece, index in id_of_piece.items():
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


def _products(merges: Path) -> set[str]:
    lines = merges.read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" ") for line in lines if not line.startswith("#version"))
    return {left + right for left, right in (pair for pair in pairs if len(pair) == 2)}
