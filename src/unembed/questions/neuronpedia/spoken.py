"""What the labels of a bank speak of, and its explanations, in words that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.explanation.phrasing import said
from unembed.explanation.wording import AS_RANDOM, NO_SET
from unembed.questions.carriers import info_of
from unembed.questions.neuronpedia.content import content_words, forms_of, word_of
from unembed.store.tables import RunTables

I64 = npt.NDArray[np.int64]

OUTERMOST = 10
"""Tokens of an end that count, as many as a feature's page shows on Neuronpedia."""
BROADEST = 0.01
"""Share of the tokens that a set may have: of a broader one almost any sentence holds a word."""
SPELLING = ("affixes", "characters", "code", "sounds", "surface", "tokenizer", "unicode")
"""Families of sets that say how tokens are spelt, and whose members have no meaning in common."""
WAYS = ("set", "outermost", "name")
"""By which an explanation and a feature speak of the same: a word of it lies in a set that the
label names; is an outermost token; is a word of the label itself."""
_TWO_ENDED = ("suppression", "two-sided")


class Said(NamedTuple):
    """The explanations of a bank, as numbers of words.

    Attributes:
        rows: places in the run of the features that are explained, ascending.
        texts: what is said of each.
        words: of each explanation, the numbers of its words that carry content.
        numbers: of each word that is a form of one of these, in folded case, the numbers of those.
    """

    rows: I64
    texts: list[str]
    words: list[list[int]]
    numbers: dict[str, list[int]]

    def of(self, words: Iterable[str]) -> set[int]:
        """Return the numbers of the explanations' words that words are forms of."""
        return {number for word in words for number in self.numbers.get(word, ())}


def said_of(rows: Sequence[int], texts: Sequence[str]) -> Said:
    """Return explanations as numbers of words.

    Args:
        rows: places in the run.
        texts: what is said of each.
    """
    known: dict[str, int] = {}
    words = [[known.setdefault(word, len(known)) for word in content_words(text)] for text in texts]
    numbers: dict[str, list[int]] = {}
    for word, number in known.items():
        for form in forms_of(word):
            numbers.setdefault(form, []).append(number)
    return Said(np.asarray(rows, np.int64), list(texts), words, numbers)


def spoken_of(run: RunTables, rows: Sequence[int], said_words: Said) -> dict[str, list[set[int]]]:
    """Return what features speak of, by each of `WAYS`: of each feature numbers of words.

    Only words that some explanation has are looked for.

    Args:
        run: with token sets.
        rows: places in the run, ascending.
        said_words: what their bank's explanations say.
    """
    named = _named_sets(run, rows)
    members = {
        number: said_words.of(_members(run, number)) for numbers in named for number in numbers
    }
    names = {number: said_words.of(content_words(said(info_of(run, number)))) for number in members}
    return {
        "set": [set().union(*(members[number] for number in numbers)) for numbers in named],
        "outermost": _outermost(run, rows, said_words),
        "name": [set().union(*(names[number] for number in numbers)) for numbers in named],
    }


def speaks(run: RunTables) -> pl.Series:
    """Return of each feature whether its label says something: a set, or words of its own."""
    label = run.scalars["label"]
    silent = label.str.starts_with(NO_SET) | label.str.starts_with(AS_RANDOM)
    nothing = run.scalars["class"].is_in(["flat", "dead"])
    return (~silent & ~nothing & label.is_not_null()).fill_null(False)


def _named_sets(run: RunTables, rows: Sequence[int]) -> list[list[int]]:
    assert run.explanations is not None
    parts = run.explanations.parts.filter(
        pl.col("row").is_in(pl.Series(rows, dtype=pl.Int64).implode())
    )
    of_row: dict[int, list[int]] = {}
    for row, number in parts.select("row", "token_set").iter_rows():
        of_row.setdefault(row, []).append(number)
    return [of_row.get(int(row), []) for row in rows]


def _members(run: RunTables, number: int) -> Iterable[str]:
    """Return the words of a set's tokens; none of a broad one, or one of a spelling."""
    family, ids = run.tested_sets.select("family", "ids").row(number)
    if family.partition("/")[0] in SPELLING:
        return ()
    if len(ids) > BROADEST * run.manifest.unembedding.tokens:
        return ()
    return _words(run, ids)


def _words(run: RunTables, ids: Sequence[int]) -> set[str]:
    return {word for text in run.tokens["text"].gather(list(ids)) if (word := word_of(text))}


def _outermost(run: RunTables, rows: Sequence[int], said_words: Said) -> list[set[int]]:
    """Return what the outermost tokens speak of: the top ones, and those of a left tail."""
    ends = run.outermost(rows, OUTERMOST)
    classes = run.scalars["class"].gather(list(rows)).to_list()
    words: Mapping[int, str] = _word_by_id(run, ends)
    found = []
    for top, bottom, kind in zip(ends["top_ids"], ends["bottom_ids"], classes, strict=True):
        ids = [] if top is None else top.to_list()
        if kind in _TWO_ENDED and bottom is not None:
            ids += bottom.to_list()
        found.append(said_words.of({words[each] for each in ids}))
    return found


def _word_by_id(run: RunTables, ends: pl.DataFrame) -> dict[int, str]:
    ids = pl.concat([ends["top_ids"].explode(), ends["bottom_ids"].explode()]).drop_nulls().unique()
    texts = run.tokens["text"].gather(ids)
    return {each: word_of(text) for each, text in zip(ids, texts, strict=True)}
