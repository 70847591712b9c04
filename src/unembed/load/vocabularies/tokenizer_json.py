"""`tokenizer.json` of the `tokenizers` library: BPE, Unigram, WordPiece and WordLevel models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from unembed.errors import FormatError
from unembed.load.vocabularies import pieces
from unembed.load.vocabularies.files import parsed, piece_text, token_id
from unembed.load.vocabularies.tokens import Tokens
from unembed.load.vocabularies.wordpiece import is_bracketed


class _Spelling(NamedTuple):
    """How a tokenizer spells bytes: in its model's pieces, and in the text added to them."""

    kind: str
    piece: Callable[[str], bytes]
    added: Callable[[str], bytes]
    special: Callable[[str], bool] = lambda piece: False


def read_tokenizer_json(path: Path) -> Tokens:
    """Return the tokens of a `tokenizer.json`.

    The spelling of bytes is read from the model, the decoder and the pre-tokenizer, not guessed
    from the pieces. Added tokens are plain text; those marked special, or named like control
    tokens (`<|…|>`), are special, and `<unused7>` and its kin are unused. A file without any
    added tokens leaves it to the names which of its pieces are special.

    Raises:
        FormatError: when the file is no tokenizer, or of a kind that writes no bytes.
        VocabularyError: when two pieces have the same id.
    """
    content = _parse(path)
    model = content["model"]
    spelling = _spelling(content, path)
    tokens = Tokens(f"tokenizer.json, {spelling.kind}", spelling.added)
    added = _added_tokens(content, path)
    for index, piece in pieces.by_id(_pieces(model, path), path).items():
        tokens.written[index] = spelling.piece(piece)
        unknown = piece == model.get("unk_token") or index == model.get("unk_id")
        control = not added and pieces.is_control(piece)
        if unknown or control or spelling.special(piece) or pieces.is_placeholder(piece):
            tokens.add(index, piece, b"", special=True)
    for index, name, is_special in added:
        tokens.add(index, name, spelling.added(name), special=is_special)
    return tokens


def _parse(path: Path) -> dict[str, Any]:
    content = parsed(path)
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise FormatError(
            f"{path} is JSON, but no tokenizer: it has no 'model'. Give the tokenizer.json that "
            "lies beside the model (not tokenizer_config.json)."
        )
    return content


def _pieces(model: dict[str, Any], path: Path) -> list[tuple[str, int]]:
    vocab = model.get("vocab")
    try:
        if isinstance(vocab, dict):
            return [(str(piece), token_id(index)) for piece, index in vocab.items()]
        if isinstance(vocab, list):
            return [(piece_text(piece), index) for index, (piece, _) in enumerate(vocab)]
    except (TypeError, ValueError) as error:
        raise FormatError(
            f"{path}: 'model.vocab' should map pieces to ids, or list pieces with scores: {error}."
        ) from error
    raise FormatError(f"{path}: 'model.vocab' is neither a table nor a list of pieces.")


def _added_tokens(content: dict[str, Any], path: Path) -> list[tuple[int, str, bool]]:
    """Return id, name, and whether it is special, of each added token."""
    try:
        return [
            (token_id(token["id"]), piece_text(token["content"]), _is_special(token))
            for token in content.get("added_tokens") or []
        ]
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise FormatError(
            f"{path}: each of 'added_tokens' should have an id and its content: {error!r}."
        ) from error


def _is_special(token: dict[str, Any]) -> bool:
    """Whether an added token is marked special, or its name leaves no doubt."""
    return token.get("special") is True or pieces.is_control_text(str(token["content"]))


def _spelling(content: dict[str, Any], path: Path) -> _Spelling:
    steps = {
        str(step.get("type"))
        for part in ("decoder", "pre_tokenizer")
        for step in _flatten(content.get(part))
    }
    model = content["model"]
    kind = model.get("type", "BPE")
    if kind == "WordPiece":
        prefix = str(model.get("continuing_subword_prefix", pieces.CONTINUING))
        return _Spelling(
            kind, lambda piece: pieces.word_piece(piece, prefix), str.encode, is_bracketed
        )
    _check_affixes(model, path)
    if "ByteLevel" in steps:
        return _Spelling(f"byte-level {kind}", pieces.byte_level, str.encode)
    return _Spelling(f"SentencePiece-style {kind}", pieces.sentencepiece, pieces.sentencepiece)


def _check_affixes(model: dict[str, Any], path: Path) -> None:
    """Check that a BPE marks where words begin, if it marks anything."""
    for key in ("end_of_word_suffix", "continuing_subword_prefix"):
        if model.get(key):
            raise pieces.marks_ends(path, str(model[key]))


def _flatten(step: Any) -> Iterator[dict[str, Any]]:
    """Yield a decoder's or pre-tokenizer's steps, those of nested sequences too."""
    if not isinstance(step, dict):
        return
    yield step
    for key in ("decoders", "pretokenizers"):
        inner = step.get(key)
        for each in inner if isinstance(inner, list) else ():
            yield from _flatten(each)
