"""Parts of a page that a script writes: between `<!-- NAME: begin -->` and `<!-- NAME: end -->`."""

from __future__ import annotations

import re


def replaced(page: str, name: str, new: str) -> str:
    r"""Return a page with another text in one of its parts.

    >>> replaced("a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb", "x", "new\n")
    'a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nb'

    Raises:
        ValueError: when it has no such part, or several.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    within = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    found, count = within.subn(lambda _: f"{begin}\n{new}\n{end}", page)
    if count != 1:
        raise ValueError(f"The page has {count} parts named {name}; expected one.")
    return found
