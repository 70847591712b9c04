"""What a script reads: JSON on standard output."""

from __future__ import annotations

from unembed.strict_json import dumps


def print_json(content: object) -> None:
    """Print content as JSON."""
    print(dumps(content, indent=2))
