"""Files from outside, no more of them than is allowed."""

from __future__ import annotations

from pathlib import Path

from unembed.errors import FormatError


def read_bytes(path: Path, most: int) -> bytes:
    """Return a file's bytes.

    Args:
        path: the file; of one without an end, as a device, no more is read than is allowed.
        most: bytes that it may have.

    Raises:
        FormatError: when it cannot be read, or has more.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FormatError(
            f"{path} cannot be read: {reason}. Check the path and its rights, or download it again."
        ) from error
    if len(raw) > most:
        raise FormatError(
            f"{path} has more than {most >> 20} MB, which no file of its kind has. It is damaged, "
            "or another one is meant."
        )
    return raw
