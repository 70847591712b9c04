"""The tokens in a GGUF file's metadata (`tokenizer.ggml.*`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path

from unembed.errors import FormatError
from unembed.load.tensors.gguf import GGUFFile, open_gguf
from unembed.load.vocabularies import pieces
from unembed.load.vocabularies.tokens import Tokens
from unembed.outside.text import quoted, shown
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


_SPELLING: dict[str, Callable[[str], bytes]] = {
    "gpt2": pieces.byte_level,
    "llama": pieces.sentencepiece,
    "t5": pieces.sentencepiece,
    "gemma4": pieces.sentencepiece,
    "bert": pieces.word_piece,
    "rwkv": pieces.python_bytes,
}
"""How the tokenizer models of llama.cpp spell bytes; `gemma4` is a BPE over SentencePiece's."""


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
        file.metadata("tokenizer.ggml.model"),
        file.metadata("tokenizer.ggml.tokens"),
        file.metadata("tokenizer.ggml.token_type", default=None),
    )


def vocabulary_from_metadata(
    model: object, tokens: Sequence[str], types: Sequence[int] | None = None
) -> Vocabulary:
    """Return the vocabulary that GGUF metadata describes.

    Args:
        model: `tokenizer.ggml.model`, one of `gpt2` (byte-level), `llama`, `t5` and `gemma4`
            (SentencePiece), `bert` (WordPiece) and `rwkv`.
        tokens: `tokenizer.ggml.tokens`, one piece a token.
        types: `tokenizer.ggml.token_type`, where the file has it.

    Raises:
        FormatError: for another tokenizer model, tokens that are no texts, types that are not one a
            token, or a type that llama.cpp does not have.
    """
    if not isinstance(model, str) or model not in _SPELLING:
        raise FormatError(
            f"The GGUF file's tokenizer is of model {shown(repr(model), most=60)}; unembed reads "
            f"{', '.join(_SPELLING)}. Name another tokenizer (on the command line: --tokenizer)."
        )
    _check_kinds(tokens, types)
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
    spell = _wordpiece(tokens) if model == "bert" else _SPELLING[model]
    # Added text is stored as it is, but SentencePiece's runs of spaces may still be `▁▁`.
    spell_added = spell if spell is pieces.sentencepiece else str.encode
    found = Tokens(f"GGUF, {model}")
    for index, piece in enumerate(tokens):
        kind = _named_type(piece) if types is None else TokenType(types[index])
        by_hand = kind == TokenType.USER_DEFINED
        special = kind in _CONTROLLING or (by_hand and pieces.is_control_text(piece))
        raw = b"" if special else _bytes(piece, spell_added if by_hand else spell)
        found.add(index, piece, raw, special=special, unused=kind == TokenType.UNUSED)
    return found.vocabulary()


def _check_kinds(tokens: object, types: object) -> None:
    """Check that tokens are a list of texts, and their types, if any, one of whole numbers."""
    if not isinstance(tokens, list) or not all(isinstance(piece, str) for piece in tokens):
        raise FormatError(
            "The GGUF file's 'tokenizer.ggml.tokens' is no list of texts. It is damaged; download "
            "it again."
        )
    known = types is None or (isinstance(types, list) and all(type(each) is int for each in types))
    if not known:
        raise FormatError(
            "The GGUF file's 'tokenizer.ggml.token_type' is no list of whole numbers. It is "
            "damaged; download it again."
        )


_CONTROLLING = (TokenType.CONTROL, TokenType.UNKNOWN)


def _named_type(piece: str) -> TokenType:
    return TokenType.CONTROL if pieces.is_control(piece) else TokenType.NORMAL


def _bytes(piece: str, spell: Callable[[str], bytes]) -> bytes:
    try:
        return spell(piece)
    except ValueError as error:
        raise FormatError(
            f"The GGUF file's token {quoted(piece)} is not spelt as its tokenizer spells tokens: "
            f"{error}."
        ) from error


def _wordpiece(tokens: Sequence[str]) -> Callable[[str], bytes]:
    """Return the spelling of WordPiece: llama.cpp writes `▁the` and `ing` for `the` and `##ing`.

    Files that were written before it did so have BERT's own pieces.
    """
    begin = pieces.SENTENCEPIECE_SPACE
    if not any(piece.startswith(begin) for piece in tokens):
        return pieces.word_piece
    return lambda piece: pieces.word_piece(
        piece.removeprefix(begin) if piece.startswith(begin) else f"{pieces.CONTINUING}{piece}"
    )
