"""A table of pieces, `vocab.json`, with `merges.txt` or without (`encoder.json`, `vocab.bpe`)."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from unembed.errors import FormatError
from unembed.load.vocabularies import pieces
from unembed.load.vocabularies.files import lines_of, parsed, token_id
from unembed.load.vocabularies.tokens import Tokens

_WORD_ENDS = "</w>"


def read_gpt2_files(vocab: Path, merges: Path | None = None) -> Tokens:
    """Return the tokens of a piece table: GPT-2's, or one that SentencePiece's pieces stand in.

    With the merges, a special token is one that text can never reach: neither a single byte
    nor the product of a merge (`<|endoftext|>`). Without them, its name decides.

    Marian and M2M100 keep SentencePiece's pieces in a `vocab.json`: where pieces begin with `▁`,
    which no byte-level piece can hold, that is how bytes are spelled.

    Raises:
        FormatError: when the table does not map pieces to ids, the merges are not its own, or
            pieces do not say where words begin.
        VocabularyError: when two pieces have the same id.
    """
    table = parsed(vocab)
    try:
        ids = [(str(piece), token_id(index)) for piece, index in table.items()]
    except (ValueError, AttributeError, TypeError) as error:
        raise FormatError(
            f"{vocab} should be a JSON table of pieces and ids, as GPT-2's vocab.json: {error}."
        ) from error
    piece_of_id = pieces.by_id(ids, vocab)
    reachable = _products(merges, table, vocab) if merges else None
    if any(len(piece) > len(_WORD_ENDS) and piece.endswith(_WORD_ENDS) for piece in table):
        raise pieces.marks_ends(vocab, _WORD_ENDS)
    is_sentencepiece = any(piece.startswith(pieces.SENTENCEPIECE_SPACE) for piece in table)
    spell = pieces.sentencepiece if is_sentencepiece else pieces.byte_level
    name = "SentencePiece" if is_sentencepiece else "byte-level"
    tokens = Tokens(f"{vocab.name}, {name} BPE", spell if is_sentencepiece else str.encode)
    for index, piece in piece_of_id.items():
        special = (
            pieces.is_control(piece)
            if reachable is None
            else len(piece) > 1 and piece not in reachable and not pieces.is_byte(piece)
        )
        tokens.add(index, piece, spell(piece), special=special)
    return tokens


def _products(merges: Path, table: Container[str], vocab: Path) -> set[str]:
    pairs = (line.split(" ") for line in lines_of(merges) if not line.startswith("#version"))
    products = {left + right for left, right in (pair for pair in pairs if len(pair) == 2)}
    if any(product.endswith(_WORD_ENDS) for product in products):
        raise pieces.marks_ends(merges, _WORD_ENDS)
    stray = next((product for product in products if product not in table), None)
    if stray is not None or not products:
        found = "holds no merges" if stray is None else f"makes {stray!r}, which is not in {vocab}"
        raise FormatError(
            f"{merges} {found}: the two files do not belong together. Get both again."
        )
    return products
