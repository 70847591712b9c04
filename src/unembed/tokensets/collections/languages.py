"""Closed classes, numbers, colours and calendars of languages other than English.

A vocabulary that hardly knows a language has a few of its words by chance, as pieces of English
ones. So a set stands only where half of its words are tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import polars as pl

from unembed.tokensets.assemble import Draft
from unembed.tokensets.collections.lexicon import CALENDARS, definitions_of, lexicon
from unembed.tokensets.definitions import Definition
from unembed.tokensets.files.definitions import read_definitions
from unembed.tokensets.reading import Reading
from unembed.tokensets.resolve import resolve
from unembed.tokensets.token_sets import SetInfo, combine

LEAST_SHARE = 0.5
SOURCE = "the sets of single languages"
TOGETHER = ("months", "weekdays", "numbers", "colors")
"""Kinds of which the sets of all languages together are one more."""

_TABLE = Path(__file__).parent / "default" / "languages.yaml"


@cache
def definitions() -> tuple[Definition, ...]:
    """Return the sets of single languages."""
    calendars = definitions_of(lexicon().filter(pl.col("family").is_in(CALENDARS)))
    return (*read_definitions(_TABLE, ours=True), *calendars)


def drafts(reading: Reading) -> Iterator[Draft]:
    """Yield the sets of each language, and those of all languages that the vocabulary knows."""
    standing: dict[str, list[Draft]] = {}
    for draft in resolve(definitions(), reading):
        judged = _judged(draft)
        yield judged
        if not judged.aside:
            standing.setdefault(draft.info.name.partition(":")[0], []).append(draft)
    for kind in TOGETHER:
        if len(standing.get(kind, [])) > 1:
            yield _together(kind, standing[kind])


def _judged(draft: Draft) -> Draft:
    words = draft.info.words or 0
    found = words - len(draft.missed)
    if found >= LEAST_SHARE * words:
        return draft
    return draft._replace(
        aside=f"{found} of its {words} words are tokens of this vocabulary, fewer than half"
    )


def _together(kind: str, parts: list[Draft]) -> Draft:
    languages = ", ".join(part.info.name.partition(":")[2].capitalize() for part in parts)
    info = SetInfo(
        f"{kind}_in_other_languages",
        f"language/{kind}",
        f"{kind.capitalize()} in languages other than English: {languages}.",
        SOURCE,
        f"union of {', '.join(part.info.name for part in parts)}",
    )
    return Draft(info, combine("union", [part.ids for part in parts]))
