"""Derive the lexicon's tables: `python -m scripts.lexicon`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from scripts.lexicon import (
    calendars,
    dictionary,
    hypernyms,
    inflections,
    languages,
    names,
    places,
    sentiment,
    sounds,
)
from scripts.lexicon.closed import CLOSED
from scripts.lexicon.wordlist import WordList

DATA = Path(__file__).parents[2] / "src" / "unembed" / "tokensets" / "data"


def word_lists() -> Iterator[WordList]:
    """Yield the rows of the lexicon, grammar first."""
    yield from inflections.word_lists(CLOSED)
    yield from hypernyms.word_lists(CLOSED)
    yield from sentiment.word_lists()
    english = _english()
    yield from names.word_lists(english)
    yield from places.word_lists()
    yield from languages.word_lists(english)
    yield from calendars.word_lists(english)


def _english() -> frozenset[str]:
    """Return common English words in lower case, inflected forms included.

    The dictionary has more, but john, pas and nous too.
    """
    forms = {
        form for pos in inflections.SPEECH for each in inflections.forms_of(pos).values()
        for form in each
    }  # fmt: skip
    return frozenset(forms) | CLOSED


def _pronounced(lexicon: pl.DataFrame) -> frozenset[str]:
    """Return the lexicon's English words and names in lower case, and what is of closed classes."""
    of_english = pl.col("family").str.contains("^(grammar|meaning)/")
    words = lexicon.filter(of_english)["words"].explode().str.strip_prefix("=")
    return frozenset(words.str.to_lowercase()) | CLOSED


def main() -> None:
    """Write the tables."""
    DATA.mkdir(parents=True, exist_ok=True)
    lexicon = pl.DataFrame(
        [row._asdict() for row in word_lists()], schema_overrides={"words": pl.List(pl.String)}
    ).select("name", "family", "description", "source", "case", "words")
    lexemes = pl.DataFrame(
        list(inflections.lexemes()), schema=["lemma", "pos", "forms"], orient="row"
    )
    words = dictionary.words()
    spoken = pl.DataFrame(
        list(sounds.pronunciations(_pronounced(lexicon).union(words))),
        schema=["word", "sounds", "only"],
        orient="row",
    )
    tables = {
        "lexicon": lexicon,
        "lexemes": lexemes,
        "dictionary": pl.DataFrame({"word": words}),
        "sounds": spoken,
    }
    for name, frame in tables.items():
        path = DATA / f"{name}.parquet"
        frame.write_parquet(path, compression="zstd", compression_level=19)
        print(f"{path.name}: {frame.height:,} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
