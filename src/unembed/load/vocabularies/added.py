"""Tokens that files beside a vocabulary add to it, as `transformers` reads them.

| file | what it says |
|---|---|
| `tokenizer_config.json` | `added_tokens_decoder`: id → content, special or not; and the roles |
| `added_tokens.json` | content → id, where `tokenizer_config.json` says nothing |
| `special_tokens_map.json` | roles: which token is `bos_token`, which are special without one |
"""

from __future__ import annotations

from typing import Any, NamedTuple

from unembed.errors import FormatError
from unembed.load.folder import Folder
from unembed.load.vocabularies import pieces
from unembed.load.vocabularies.files import parsed, piece_text, token_id
from unembed.load.vocabularies.tokens import Tokens
from unembed.outside.text import quoted

CONFIG = "tokenizer_config.json"
ADDED = "added_tokens.json"
ROLES = "special_tokens_map.json"
_SEVERAL = ("additional_special_tokens", "extra_special_tokens")


class _Added(NamedTuple):
    id: int
    content: str
    special: bool


def add_tokens_beside(tokens: Tokens, folder: Folder) -> None:
    """Add the tokens that the files beside a vocabulary name; they are real, not padding.

    One is special that is marked so, has a role (`bos_token`), or is named like a control token.

    Raises:
        FormatError: naming the file that is not what it should be.
    """
    names = set(folder.names())
    config = _table(folder, CONFIG) if CONFIG in names else {}
    roles = {
        *_roles(config, f"{folder.name}/{CONFIG}"),
        *(_roles(_table(folder, ROLES), f"{folder.name}/{ROLES}") if ROLES in names else ()),
    }
    decoder = config.get("added_tokens_decoder")
    if decoder:
        added = _of_decoder(decoder, f"{folder.name}/{CONFIG}")
    elif ADDED in names:
        added = _of_table(_table(folder, ADDED), f"{folder.name}/{ADDED}")
    else:
        added = []
    for index, content, marked in added:
        special = marked or content in roles or pieces.is_control_text(content)
        raw = tokens.added(content)
        if special or tokens.written.get(index) not in (raw, content.encode()):
            tokens.add(index, content, raw, special=special)


def tokenizer_class(folder: Folder) -> str:
    """Return which class of `transformers` reads a folder's vocabulary, "" where it is not said."""
    if CONFIG not in folder.names():
        return ""
    return str(_table(folder, CONFIG).get("tokenizer_class") or "")


def _table(folder: Folder, name: str) -> dict[str, Any]:
    content = parsed(folder.fetch(name), f"{folder.name}/{name}")
    if not isinstance(content, dict):
        raise FormatError(
            f"{folder.name}/{name} should hold a table, not {type(content).__name__}."
        )
    return content


def _of_decoder(decoder: Any, place: str) -> list[_Added]:
    try:
        return [
            _Added(token_id(int(index)), _content(token), token.get("special") is True)
            for index, token in decoder.items()
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FormatError(
            f"{place}: 'added_tokens_decoder' should map ids to tokens with their 'content': "
            f"{_why(error)}."
        ) from error


def _of_table(table: dict[str, Any], place: str) -> list[_Added]:
    try:
        return [_Added(token_id(index), content, False) for content, index in table.items()]
    except (TypeError, ValueError) as error:
        raise FormatError(f"{place} should map tokens to their ids: {error}.") from error


def _roles(table: dict[str, Any], place: str) -> list[str]:
    """Return the tokens that have a role: `bos_token` and its like, and those without a name."""
    found: list[str] = []
    for key, value in table.items():
        try:
            if key in _SEVERAL:
                several = value.values() if isinstance(value, dict) else value
                found += map(_content, several or ())
            elif key.endswith("_token") and value and not isinstance(value, bool):
                found.append(_content(value))
        except (KeyError, TypeError) as error:
            raise FormatError(
                f"{place}: {quoted(key)} should be a token or a list of them: {_why(error)}."
            ) from error
    return found


def _content(token: Any) -> str:
    return piece_text(token["content"] if isinstance(token, dict) else token)


def _why(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
