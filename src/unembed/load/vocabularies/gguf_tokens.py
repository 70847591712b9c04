"""The tokens in a GGUF file's metadata (`tokenizer.ggml.*`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from unembed.errors import FormatError
from unembed.load.tensors.gguf import GGUFFile, open_gguf
from unembed.load.vocabularies import pieces
from unembed.load.vocabularies.tokens import Tokens
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
    model = str(file.metadata("tokenizer.ggml.model"))
    tokens = _listed(file, "tokens", str)
    types = _listed(file, "token_type", int, default=None)
    return vocabulary_from_metadata(model, tokens, types)


def _listed(file: GGUFFile, key: str, kind: type, **default: Any) -> Any:
    """Return a list of the tokenizer's metadata, every item of one type."""
    key = f"tokenizer.ggml.{key}"
    found = file.metadata(key, **default)
    listed = isinstance(found, list) and all(type(each) is kind for each in found)
    if listed or (found is None and default):
        return found
    raise FormatError(
        f"{file.path} should say {key} as a list of {'texts' if kind is str else 'whole numbers'}; "
        f"found {found!r:.100}. Download it again."
    )


def vocabulary_from_metadata(
    model: str, tokens: Sequence[str], types: Sequence[int] | None = None
) -> Vocabulary:
    """Return the vocabulary that GGUF metadata describes.

    Args:
        model: `tokenizer.ggml.model`, one of `gpt2` (byte-level), `llama`, `t5` and `gemma4`
            (SentencePiece), `bert` (WordPiece) and `rwkv`.
        tokens: `tokenizer.ggml.tokens`, one piece a token.
        types: `tokenizer.ggml.token_type`, where the file has it.

    Raises:
        FormatError: for another tokenizer model, types that are not one a token, or a type
            that llama.cpp does not have.
    """
    if model not in _SPELLING:
        raise FormatError(
            f"The GGUF file's tokenizer is of model {model!r}; unembed reads "
            f"{', '.join(_SPELLING)}. Name another tokenizer (on the command line: --tokenizer)."
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


_CONTROLLING = (TokenType.CONTROL, TokenType.UNKNOWN)


def _named_type(piece: str) -> TokenType:
    return TokenType.CONTROL if pieces.is_control(piece) else TokenType.NORMAL


def _bytes(piece: str, spell: Callable[[str], bytes]) -> bytes:
    try:
        return spell(piece)
    except ValueError as error:
        raise FormatError(
            f"The GGUF file's token {piece!r} is not spelt as its tokenizer spells tokens: {error}."
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
