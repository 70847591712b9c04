"""`tekken.json`, the tokenizer of Mistral's models since Nemo (`mistral_common`)."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

from unembed.errors import FormatError, VocabularyError
from unembed.load.vocabularies.files import parsed, piece_text, token_id
from unembed.load.vocabularies.tokens import Tokens
from unembed.outside.limits import MOST_SPECIAL

_FIRST_NAMES = (
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]",
    "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
)  # fmt: skip
"""The special tokens of files up to version 7, which do not name them."""


def read_tekken(path: Path) -> Tokens:
    """Return the tokens of a `tekken.json`.

    The first `default_num_special_tokens` ids are special, or unused where they have no name. The
    token of rank r follows as id r + that number; the file lists more ranks than the model has
    rows, so that those from `default_vocab_size` on are left out.

    Raises:
        FormatError: when the file is not of that format.
        VocabularyError: when two tokens have the same rank.
    """
    content = parsed(path)
    try:
        config = content["config"]
        first = token_id(config["default_num_special_tokens"])
        size = token_id(config["default_vocab_size"])
        if not 0 <= first <= MOST_SPECIAL:
            raise ValueError(f"{first:,} special tokens are not between 0 and {MOST_SPECIAL:,}")
        named = content.get("special_tokens")
        names = _names(named) if named is not None else dict(enumerate(_FIRST_NAMES))
        tokens = Tokens("tekken.json, byte-level BPE")
        for rank, raw in _ranks(content["vocab"], path).items():
            if rank < size - first:
                tokens.written[first + rank] = raw
        for index in range(first):
            name = names.get(index, f"<SPECIAL_{index}>")
            tokens.add(index, name, b"", special=True)
    except (AttributeError, KeyError, TypeError, ValueError, binascii.Error) as error:
        raise FormatError(
            f"{path} is no tekken.json: it should have 'config' and a 'vocab' of ranks and base64 "
            f"bytes, but {error!r}. Download it again."
        ) from error
    return tokens


def _names(special_tokens: list[dict[str, Any]]) -> dict[int, str]:
    return {token_id(token["rank"]): piece_text(token["token_str"]) for token in special_tokens}


def _ranks(vocab: list[dict[str, Any]], path: Path) -> dict[int, bytes]:
    ranks: dict[int, bytes] = {}
    for token in vocab:
        rank, raw = token_id(token["rank"]), base64.b64decode(token["token_bytes"], validate=True)
        if ranks.setdefault(rank, raw) != raw:
            raise VocabularyError(
                f"{path}: rank {rank} is that of {ranks[rank]!r}, but of {raw!r} too. A rank "
                "stands for one token; the file is damaged, download it again."
            )
    return ranks
