"""Whether a run that was named lies in a folder here, or on the hub."""

from __future__ import annotations

import os
import re
from pathlib import Path

_PAGE = re.compile("https?:/", re.IGNORECASE)


def is_elsewhere(path: str | Path) -> bool:
    """Return whether what was given for a run names one on the hub, and nothing that is here.

    >>> is_elsewhere("hf:org/run"), is_elsewhere("runs/demo")
    (True, False)
    """
    text = text_of(path)
    return (text.startswith("hf:") or bool(_PAGE.match(text))) and not os.path.lexists(path)


def text_of(path: str | Path) -> str:
    """Return what was given; a path has the slashes of its system, and one where two stood."""
    return path.as_posix() if isinstance(path, Path) else path
