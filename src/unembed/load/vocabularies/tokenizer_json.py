"""`tokenizer.json` of the `tokenizers` library: BPE, Unigram and WordLevel models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from unembed.errors import FormatError
from unembed.load.vocabularies import pieces
from unembed.vocabulary import Vocabulary


def read_tokenizer_json(path: Path) -> Vocabulary:
    """Return the vocabulary of a `tokenizer.json`.

    The spelling of bytes is read from the decoder and the pre-tokenizer, not guessed from
    the pieces. Added tokens are plain text; those marked special, or named like control
    tokens (`<|…|>`), are special, and `<unused7>` and its kin are unused.

    Raises:
        FormatError: when the file is no tokenizer, or of a kind that writes no bytes.
    """
    content = _parse(path)
    model = content["model"]
    kind, spell = _spelling(content, path)
    id_of_piece = dict(_pieces(model, path))
    written = {index: spell(piece) for piece, index in id_of_piece.items()}
    special = {i for piece, i in id_of_piece.items() if piece == model.get("unk_token")}
    unused: set[int] = set()
    for token in content.get("added_tokens") or []:
        index, name = int(token["id"]), str(token["content"])
        written[index] = name.encode()
        if pieces.is_placeholder(name):
            unused.add(index)
        elif token.get("special") or pieces.is_control(name):
            special.add(index)
    return Vocabulary.from_ids(
        written, special=special - unused, unused=unused, kind=f"tokenizer.json, {kind}"
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


def _pieces(model: dict[str, Any], path: Path) -> Iterator[tuple[str, int]]:
    vocab = model.get("vocab")
    if isinstance(vocab, dict):
        yield from ((str(piece), int(index)) for piece, index in vocab.items())
    elif isinstance(vocab, list):
        yield from ((str(entry[0]), index) for index, entry in enumerate(vocab))
    else:
        raise FormatError(f"{path}: 'model.vocab' is neither a table nor a list of pieces.")


def _spelling(content: dict[str, Any], path: Path) -> tuple[str, Callable[[str], bytes]]:
    steps = {
        step["type"]
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
        return f"byte-level {kind}", pieces.byte_level
    return f"SentencePiece-style {kind}", pieces.sentencepiece


def _flatten(step: Any) -> Iterator[dict[str, Any]]:
    """Yield a decoder's or pre-tokenizer's steps, those of nested sequences too."""
    if not isinstance(step, dict):
        return
    yield step
    for inner in (*step.get("decoders", ()), *step.get("pretokenizers", ())):
        yield from _flatten(inner)
