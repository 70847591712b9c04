"""`visible`: text whose every character can be seen, and none of which acts on a terminal."""

from __future__ import annotations

import re

_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""What Unicode calls printable, though nothing is seen of it: fillers, variation selectors."""
ACTING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""What acts on a terminal or reorders a line (controls, marks of direction and of byte order, line
separators, tags), and halves of characters; but not the line break."""


def visible(text: str, keep: str = "") -> str:
    r"""Return text with an escape for each character that cannot be seen or acts on what shows it.

    Those are control and escape characters, white space but the space itself, what reorders a line
    or has no width, and halves of characters (lone surrogates), which no stream can write.

    >>> print(visible("a\x1b]0;b\x07"), visible("ab\u202ec\u200b"), visible("\ud800\xa0"))
    a\x1b]0;b\x07 ab\u202ec\u200b \ud800\xa0

    Args:
        text: of any length.
        keep: characters that stay as they are, such as line breaks.
    """
    if text.isprintable() and not _BLANK.search(text):
        return text
    return "".join(each if is_visible(each) or each in keep else _escape(each) for each in text)


def is_visible(character: str) -> bool:
    """Return whether a character is shown as it is."""
    return character.isprintable() and not _BLANK.match(character)


def _escape(character: str) -> str:
    return _NAMED.get(character) or character.encode("unicode_escape").decode()
