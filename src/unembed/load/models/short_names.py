"""Models by the short names that TransformerLens gave them.

The table is made from TransformerLens' own (`scripts/make_registry.py`; facts, MIT).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from unembed.outside.documents import read_json
from unembed.outside.fields import Fields, needed

SHORT_NAMES = Path(__file__).with_name("short_names.json")


@cache
def short_names() -> dict[str, str]:
    """Return the hub repository of each short name, which is in lower case."""
    fields = Fields(read_json(SHORT_NAMES), str(SHORT_NAMES))
    return {name: needed(fields.text(name), fields, name) for name in fields}


def repository_of(model: str) -> str:
    """Return a model's hub repository by its short name; any other name as it is.

    >>> repository_of("gemma-2-2b"), repository_of("org/repo")
    ('google/gemma-2-2b', 'org/repo')
    """
    return short_names().get(model.lower(), model)
