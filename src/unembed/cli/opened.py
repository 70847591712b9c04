"""The run that a command was given."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import unembed
from unembed.errors import QueryError
from unembed.store import MANIFEST
from unembed.store.where import is_elsewhere

if TYPE_CHECKING:
    from unembed import Run


def open_run(path: Path, *others: str | None) -> Run:
    """Return the run in a folder, or on the hub.

    Args:
        path: the folder, or the run's name there.
        others: what else the command was given, one of which may be the run.

    Raises:
        RunError: as `Run.open` does.
        QueryError: when the run was named behind what is asked of it.
    """
    later = [other for other in others if other and _is_run(Path(other))]
    if later and not (is_elsewhere(path) or _is_run(path)):
        raise QueryError(f"The run comes first: {later[0]} before {path}.")
    return unembed.Run.open(path)


def _is_run(path: Path) -> bool:
    with suppress(OSError, ValueError):  # what is too long for a path is none
        return (path / MANIFEST).is_file()
    return False
