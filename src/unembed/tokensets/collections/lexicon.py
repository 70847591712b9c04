"""Word lists derived from public lexicons; `scripts/lexicon` makes the data."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl

from unembed.parquet import read_parquet
from unembed.tokensets.definitions import Definition, Words

DATA = Path(__file__).parents[1] / "data"
LEXICON = DATA / "lexicon.parquet"
LEXEMES = DATA / "lexemes.parquet"
DICTIONARY = DATA / "dictionary.parquet"
CALENDARS = ("language/months", "language/weekdays")
"""Families that `languages` brings, where the vocabulary knows the language."""


@cache
def lexicon() -> pl.DataFrame:
    """Return the word lists: name, family, description, source, case, words."""
    return read_parquet(LEXICON)


def definitions() -> list[Definition]:
    """Return the sets that a word list of the lexicon defines, but for calendars."""
    return definitions_of(lexicon().filter(~pl.col("family").is_in(CALENDARS)))


def definitions_of(word_lists: pl.DataFrame) -> list[Definition]:
    """Return the sets that rows of the lexicon define."""
    return [
        Definition(
            row["name"],
            row["family"],
            row["description"],
            row["source"],
            Words(tuple(row["words"]), case=row["case"]),
        )
        for row in word_lists.iter_rows(named=True)
    ]


@cache
def dictionary() -> frozenset[str]:
    """Return English words of letters a to z: closed classes, inflected forms, recent words."""
    return frozenset(read_parquet(DICTIONARY)["word"].to_list())


@cache
def lexemes() -> pl.DataFrame:
    """Return inflected words: lemma, pos, forms."""
    return read_parquet(LEXEMES)
