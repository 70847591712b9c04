"""Text from outside as people see it: `quoted` tokens, `shown` names, descriptions and paths."""

from __future__ import annotations

import re
from functools import lru_cache

from unembed.outside.limits import LONGEST_SHOWN, LONGEST_TOKEN_SHOWN
from unembed.visible import visible

HALF = re.compile("[\ud800-\udfff]")
"""Half of a character (a lone surrogate), which no UTF-8 has."""


@lru_cache(2**16)
def quoted(text: str, most: int = LONGEST_TOKEN_SHOWN) -> str:
    r"""Return a token so that its spaces and line breaks can be seen, in quotes.

    >>> print(quoted(" your"), quoted("\n\n"), quoted("-" * 300, most=8))
    ' your' '\n\n' '-------…'

    Args:
        text: of the token.
        most: characters that are shown of it.
    """
    seen = shown(text, most)
    quote = '"' if "'" in seen else "'"
    return f"{quote}{seen}{quote}"


def has_half(text: str) -> bool:
    r"""Return whether a text holds half of a character.

    >>> has_half("\ud800"), has_half("\U0001f9d1")
    (True, False)
    """
    return HALF.search(text) is not None


def shown(text: object, most: int = LONGEST_SHOWN) -> str:
    r"""Return a name, description or path from outside, bounded, with all its characters visible.

    >>> print(shown("a\nb\x1b"), shown("abcdef", most=4))
    a\nb\x1b abc…

    Args:
        text: what is shown; what is no text, as `str` has it.
        most: characters that are shown of it, before invisible ones are written out.
    """
    found = str(text)
    return visible(found if len(found) <= most else f"{found[: most - 1]}…")
