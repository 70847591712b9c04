"""Which token is meant? A text of a run's vocabulary, or an id."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import polars as pl

from unembed.errors import QueryError
from unembed.outside.text import quoted

_NEAR = 3


def token_id(tokens: pl.DataFrame, token: str | int) -> int:
    r"""Return the id of the one token that is meant.

    A text is taken as it is, with its leading space; where there is no such token, `\n`, `\t` and
    the like are read as the characters they stand for.

    Args:
        tokens: of the run: id, text, masked.
        token: its text, or its id.

    Raises:
        QueryError: when there is no such token, it is masked, or there are several.
    """
    if isinstance(token, int):
        return _of_id(tokens, token)
    for text in dict.fromkeys((token, _unescaped(token))):
        found = tokens.filter(text=text)
        taking_part = found.filter(~pl.col("masked"))
        if taking_part.height == 1:
            return int(taking_part["id"][0])
        if taking_part.height:
            ids = ", ".join(map(str, taking_part["id"]))
            raise QueryError(
                f"{quoted(text)} is the text of {taking_part.height} tokens. Say which by its id: "
                f"{ids}."
            )
        if found.height:
            raise _masked(int(found["id"][0]), text)
    near = _near(tokens.filter(~pl.col("masked"))["text"], token)
    hint = f" Near it: {', '.join(map(quoted, near))}." if near else ""
    raise QueryError(
        f"{quoted(token)} is no single token of this vocabulary.{hint} Spaces and capitals count: "
        "most words are tokens with a space before them."
    )


def _of_id(tokens: pl.DataFrame, token: int) -> int:
    if not 0 <= token < tokens.height:
        raise QueryError(f"There is no token {token}: ids are 0 to {tokens.height - 1}.")
    row = tokens.row(token, named=True)
    if row["masked"]:
        raise _masked(token, row["text"])
    return token


def _masked(token: int, text: str) -> QueryError:
    return QueryError(
        f"Token {token} ({quoted(text)}) is masked: special and unused tokens take part in "
        "nothing, and have no logit weight here."
    )


def _unescaped(text: str) -> str:
    try:
        return text.encode("latin-1").decode("unicode_escape") if "\\" in text else text
    except (UnicodeDecodeError, UnicodeEncodeError):
        return text


def _near(texts: Iterable[str], wanted: str) -> list[str]:
    """Return tokens that differ in space or capitals, else those that are spelt alike."""
    known = set(texts)
    bare = wanted.strip()
    forms = dict.fromkeys((bare, bare.lower(), bare.capitalize(), bare.upper()))
    same = [each for form in forms for each in (f" {form}", form) if each in known]
    if same:
        return same[:_NEAR]
    start = bare[:2].lower()
    alike = {each.strip().lower(): each for each in known if each.strip().lower().startswith(start)}
    close = difflib.get_close_matches(bare.lower(), list(alike), n=_NEAR, cutoff=0.5)
    return [alike[each] for each in close]
