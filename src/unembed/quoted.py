"""`quoted`: a token as it is shown to people."""

from __future__ import annotations

_VISIBLE = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\u00a0": "\\xa0", "\u200b": "\\u200b"}


def quoted(text: str) -> str:
    r"""Return a token so that its spaces and line breaks can be seen, in quotes.

    >>> print(quoted(" your"), quoted("\n\n"))
    ' your' '\n\n'
    """
    shown = "".join(
        _VISIBLE.get(c, c if c.isprintable() else c.encode("unicode_escape").decode()) for c in text
    )
    quote = '"' if "'" in shown else "'"
    return f"{quote}{shown}{quote}"
