"""`tokenizer.json` of the `tokenizers` library: BPE, Unigram and WordLevel models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from operator import index as integer
from pathlib import Path
from typing import Any, NamedTuple

from unembed.errors import FormatError
from unembed.load.vocabularies import pieces
from unembed.vocabulary import Vocabulary

_ALSO_HTML = ("<s>", "</s>")


class _Spelling(NamedTuple):
    """How a tokenizer spells bytes: in its model's pieces, and in the text added to them."""

    kind: str
    piece: Callable[[str], bytes]
    added: Callable[[str], bytes]


def read_tokenizer_json(path: Path) -> Vocabulary:
    """Return the vocabulary of a `tokenizer.json`.

    The spelling of bytes is read from the decoder and the pre-tokenizer, not guessed from
    the pieces. Added tokens are plain text; those marked special, or named like control
    tokens (`<|…|>`), are special, and `<unused7>` and its kin are unused.

    Raises:
        FormatError: when the file is no tokenizer, or of a kind that writes no bytes.
        VocabularyError: when two pieces have the same id.
    """
    content = _parse(path)
    model = content["model"]
    spelling = _spelling(content, path)
    piece_of_id = pieces.by_id(_pieces(model, path), path)
    written = {index: spelling.piece(piece) for index, piece in piece_of_id.items()}
    special = {
        index
        for index, piece in piece_of_id.items()
        if piece == model.get("unk_token") or index == model.get("unk_id")
    }
    unused: set[int] = set()
    for index, name, is_special in _added_tokens(content, path):
        written[index] = name.encode() if is_special else spelling.added(name)
        if pieces.is_placeholder(name):
            unused.add(index)
        elif is_special:
            special.add(index)
    return Vocabulary.from_ids(
        written, special=special - unused, unused=unused, kind=f"tokenizer.json, {spelling.kind}"
    )


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise FormatError(f"{path} is not JSON: {error}. Download the file again.") from error
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
            return [(str(piece), integer(index)) for piece, index in vocab.items()]
        if isinstance(vocab, list):
            return [(str(piece), index) for index, (piece, _) in enumerate(vocab)]
    except (TypeError, ValueError) as error:
        raise FormatError(
            f"{path}: 'model.vocab' should map pieces to ids, or list pieces with scores: {error}."
        ) from error
    raise FormatError(f"{path}: 'model.vocab' is neither a table nor a list of pieces.")


def _added_tokens(content: dict[str, Any], path: Path) -> list[tuple[int, str, bool]]:
    """Return id, name, and whether it is special, of each added token."""
    try:
        return [
            (integer(token["id"]), str(token["content"]), _is_special(token))
            for token in content.get("added_tokens") or []
        ]
    except (TypeError, KeyError) as error:
        raise FormatError(
            f"{path}: each of 'added_tokens' should have an id and its content: {error!r}."
        ) from error


def _is_special(token: dict[str, Any]) -> bool:
    """Whether an added token is marked special, or its name leaves no doubt.

    Gemma's `<s>` and `</s>` are HTML's, and not marked; Llama's and Mistral's are marked.
    """
    name = str(token["content"])
    return bool(token.get("special")) or (name not in _ALSO_HTML and pieces.is_control(name))


def _spelling(content: dict[str, Any], path: Path) -> _Spelling:
    steps = {
        step.get("type")
        for part in ("decoder", "pre_tokenizer")
        for step in _flatten(content.get(part))
    }
    kind = content["model"].get("type", "BPE")
    if kind == "WordPiece":
        raise FormatError(
            f"{path} is a WordPiece tokenizer (BERT). Its pieces do not say which bytes they "
            "write; unembed reads the tokenizers of generative language models."
        )
    if "ByteLevel" in steps:
        return _Spelling(f"byte-level {kind}", pieces.byte_level, str.encode)
    return _Spelling(f"SentencePiece-style {kind}", pieces.sentencepiece, pieces.sentencepiece)


def _flatten(step: Any) -> Iterator[dict[str, Any]]:
    """Yield a decoder's or pre-tokenizer's steps, those of nested sequences too."""
    if not isinstance(step, dict):
        return
    yield step
    for inner in (*(step.get("decoders") or ()), *(step.get("pretokenizers") or ())):
        yield from _flatten(inner)
