"""Write how every token set is said in a label, for people to read: tests/explanation/phrases.txt.

    python scripts/document_phrases.py

Of sets that a vocabulary makes of itself, or letters make, there are a few of each kind, from the
vocabulary of the demo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from unembed.demo import MODEL
from unembed.explanation.wording import said
from unembed.load import load_vocabulary
from unembed.tokensets import SetInfo, TokenSets, build_token_sets
from unembed.tokensets.collections import crossed, default, languages, post

ROOT = Path(__file__).parents[1]
FILE = ROOT / "tests" / "explanation" / "phrases.txt"
_ALIKE = (
    "forms/", "characters/", "sounds/rhyme", "affixes/continuations", "affixes/letter_in_form",
    "affixes/first_letter", "affixes/last_letter", "affixes/prefix", "affixes/suffix",
    "post/letters",
)  # fmt: skip
"""Families whose sets are all said by one rule."""
_N_EXAMPLES = 6


def text(collections: Iterable[TokenSets]) -> str:
    """Return the file: under each family its sets and how they are said."""
    families: dict[str, dict[str, str]] = {}
    for info in (*_defined(), *(info for sets in collections for info in sets.infos)):
        families.setdefault(info.family, {}).setdefault(info.name, said(info))
    return "\n".join(line for family in families for line in _family(family, families[family]))


def of_the_demo() -> list[TokenSets]:
    """Return the collections, over the demo's vocabulary."""
    vocabulary = load_vocabulary(MODEL)
    return [
        build_token_sets(vocabulary, name, cache=False) for name in ("default", "post", "sounds")
    ]


def _defined() -> Iterator[SetInfo]:
    for each in (*default(), *crossed(), *languages.definitions(), *post()):
        yield SetInfo(each.name, each.family)


def _family(family: str, phrases: dict[str, str]) -> Iterator[str]:
    rows = list(phrases.items())
    if family.startswith(_ALIKE):
        rows = rows[:: max(1, len(rows) // _N_EXAMPLES)][:_N_EXAMPLES]
    yield f"## {family}"
    yield from (f"{name}: {phrase}" for name, phrase in rows)
    yield ""


if __name__ == "__main__":
    FILE.write_text(text(of_the_demo()), encoding="utf-8")
    print(f"{FILE.relative_to(ROOT)}: {FILE.stat().st_size:,} bytes")
