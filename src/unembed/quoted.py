"""`quoted`: a token as it is shown to people."""

from __future__ import annotations

_VISIBLE = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\u00a0": "\\xa0", "\u200b": "\\u200b"}


def quoted(text: str) -> str:
    r"""Return a token so that its spaces and line breaks can be seen, in quotes.

    >>> print(quoted(" your"), quoted("\n\n"))
    ' your' '\n\n'
    """
    shown = text if text.isprintable() else "".join(map(_shown, text))
    quote = '"' if "'" in shown else "'"
    return f"{quote}{shown}{quote}"


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return _VISIBLE.get(character, character.encode("unicode_escape").decode())
