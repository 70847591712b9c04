"""First names by births (US Social Security Administration), last names by the US Census."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from scripts.lexicon.sources import BABY_NAMES, LAST_NAMES, file
from scripts.lexicon.wordlist import WordList, word_list

FAMILY = "meaning/names"
_MIN_BIRTHS = 10_000
"""Names given to at least so many children of a sex, 1880 to today."""
_BOTH = 0.2
"""A name is given to both sexes if each has at least this share of its births."""
_OF_A_SEX = 0.1
_N_TOP = 200
_N_LAST = 5_000


def word_lists(english: frozenset[str]) -> Iterator[WordList]:
    """Yield the sets of names.

    Args:
        english: lower-case words; a name that is one (will, grace) stands for itself only with
            its capital, and not for all capitals.
    """
    births = _births()
    for sex, label, whose in (("M", "male", "boys"), ("F", "female", "girls")):
        given = births.filter((pl.col(sex) >= _MIN_BIRTHS) & (pl.col(sex) >= _OF_A_SEX * _both()))
        top = given.sort(sex, "name", descending=[True, False]).head(_N_TOP)
        for name, frame, described in (
            (
                label,
                given,
                f"Names of {_MIN_BIRTHS:,} {whose} or more, a tenth or more of its bearers",
            ),
            (f"top_{label}", top, f"The {_N_TOP} names most often given to {whose}"),
        ):
            yield _row(name, f"{described} (US, since 1880).", frame["name"].to_list(), english)
    both = births.filter(pl.min_horizontal("M", "F") >= _BOTH * _both()).filter(
        _both() >= _MIN_BIRTHS
    )
    yield _row("unisex", "Names of boys and girls, a fifth or more each (US, since 1880).",
               both["name"].to_list(), english)  # fmt: skip
    yield from _by_time(english)
    last = _last_names()
    yield word_list(
        "names:last",
        FAMILY,
        f"The {_N_LAST:,} most frequent last names (US, 1990).",
        LAST_NAMES.name,
        (_entry(name, english) for name in last),
    )


def _by_time(english: frozenset[str]) -> Iterator[WordList]:
    """Yield names by the time in which most of their bearers were born."""
    table = _table().with_columns(era=(pl.col("year") // 20 * 20).cast(pl.Int64))
    eras = table.group_by("name", "sex", "era").agg(pl.col("n").sum())
    totals = eras.group_by("name", "sex").agg(total=pl.col("n").sum())
    peak = eras.join(totals, on=["name", "sex"]).filter(
        (pl.col("total") >= _MIN_BIRTHS) & (pl.col("n") >= 0.5 * pl.col("total"))
    )
    for (sex, era), frame in sorted(peak.group_by("sex", "era")):
        label = {"M": "male", "F": "female"}[str(sex)]
        yield _row(
            f"{label}_{era}s",
            f"Names half of whose {label} bearers were born {era} to {int(str(era)) + 19} (US).",
            frame["name"].to_list(),
            english,
        )


def _row(name: str, text: str, names: list[str], english: frozenset[str]) -> WordList:
    entries = (_entry(each, english) for each in names)
    return word_list(f"names:{name}", FAMILY, text, BABY_NAMES.name, entries)


def _entry(name: str, english: frozenset[str]) -> str:
    return f"={name}" if name.lower() in english else name


def _table() -> pl.DataFrame:
    return pl.read_parquet(file(BABY_NAMES, "babynames.parquet"))


def _births() -> pl.DataFrame:
    """Return one row a name: its births of each sex, M and F."""
    table = _table().group_by("name", "sex").agg(pl.col("n").sum())
    return table.pivot("sex", index="name", values="n").fill_null(0)


def _both() -> pl.Expr:
    return pl.col("M") + pl.col("F")


def _last_names() -> list[str]:
    lines = file(LAST_NAMES, "dist.all.last").read_text().splitlines()
    return [_capitalised(line.split()[0]) for line in lines[:_N_LAST]]


def _capitalised(name: str) -> str:
    """Return a name as it is written; the census has capitals only.

    >>> _capitalised("MCDONALD"), _capitalised("SMITH")
    ('McDonald', 'Smith')
    """
    if name.startswith("MC") and len(name) > 4:
        return f"Mc{name[2:].capitalize()}"
    return name.capitalize()
