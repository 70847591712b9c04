"""The tokens in a GGUF file's metadata (`tokenizer.ggml.*`)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from unembed.errors import FormatError
from unembed.load.models.gguf_file import GGUFFile, open_gguf
from unembed.load.vocabularies import pieces
from unembed.vocabulary import Vocabulary


class TokenType(IntEnum):
    """llama.cpp's token types, as `tokenizer.ggml.token_type` stores them."""

    UNDEFINED = 0
    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


_SPELLING = {"gpt2": pieces.byte_level, "llama": pieces.sentencepiece}


def read_gguf(path: Path) -> Vocabulary:
    """Return the vocabulary of a GGUF file.

    Raises:
        FormatError: when the file has no tokenizer, or one of an unknown model.
        MissingExtraError: when the `gguf` package is not installed.
    """
    return vocabulary_of(open_gguf(path))


def vocabulary_of(file: GGUFFile) -> Vocabulary:
    """Return the vocabulary of a GGUF file that is already open."""
    return vocabulary_from_metadata(
        str(file.metadata("tokenizer.ggml.model")),
        file.metadata("tokenizer.ggml.tokens"),
        file.metadata("tokenizer.ggml.token_type", default=None),
    )


def vocabulary_from_metadata(
    model: str, tokens: Sequence[str], types: Sequence[int] | None = None
) -> Vocabulary:
    """Return the vocabulary that GGUF metadata describes.

    Args:
        model: `tokenizer.ggml.model`: `gpt2` (byte-level) or `llama` (SentencePiece).
        tokens: `tokenizer.ggml.tokens`, one piece a token.
        types: `tokenizer.ggml.token_type`, where the file has it.

    Raises:
        FormatError: for another tokenizer model, types that are not one a token, or a type
            that llama.cpp does not have.
    """
    if model not in _SPELLING:
        raise FormatError(
            f"The GGUF file's tokenizer is of model {model!r}; unembed reads "
            f"{' and '.join(repr(known) for known in _SPELLING)}. Name another tokenizer."
        )
    if types is not None and len(types) != len(tokens):
        raise FormatError(
            f"The GGUF file has {len(tokens):,} tokens but {len(types):,} token types. "
            "It is damaged; download it again."
        )
    strange = set(types or ()) - set(TokenType)
    if strange:
        raise FormatError(
            f"The GGUF file has tokens of type {min(strange)}; llama.cpp has the types 0 to "
            f"{max(TokenType).value}. It is damaged, or newer than unembed."
        )
    spell = _SPELLING[model]
    # Added text is stored as it is, but SentencePiece's runs of spaces may still be `▁▁`.
    spell_added = spell if model == "llama" else str.encode
    special, unused, written = set(), set(), {}
    for index, piece in enumerate(tokens):
        kind = _named_type(piece) if types is None else TokenType(types[index])
        if kind in (TokenType.CONTROL, TokenType.UNKNOWN):
            written[index] = piece.encode()
        else:
            written[index] = spell_added(piece) if kind == TokenType.USER_DEFINED else spell(piece)
        if kind == TokenType.UNUSED or pieces.is_placeholder(piece):
            unused.add(index)
        elif kind in (TokenType.CONTROL, TokenType.UNKNOWN):
            special.add(index)
    return Vocabulary.from_ids(written, special=special, unused=unused, kind=f"GGUF, {model}")


def _named_type(piece: str) -> TokenType:
    return TokenType.CONTROL if pieces.is_control(piece) else TokenType.NORMAL
