"""One bank with its explanations: which of its features agree with what is said of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.errors import QueryError, listed
from unembed.questions.neuronpedia.content import content_words
from unembed.questions.neuronpedia.shuffles import chances
from unembed.questions.neuronpedia.spoken import WAYS, said_of, speaks, spoken_of
from unembed.store.neuronpedia import Beside
from unembed.store.schema import ADDRESS
from unembed.store.tables import RunTables

Bools = npt.NDArray[np.bool_]

STATES = ("agree", "differ", "only explanation", "only label")
"""Of a feature: explanation and label speak of the same, or do not; or only one says anything. A
feature of which neither does has none."""
COLUMNS: dict[str, pl.DataType] = {
    "feature": pl.String(),
    "bank": pl.String(),
    "index": pl.Int64(),
    "class": pl.String(),
    "label": pl.String(),
    "explanation": pl.String(),
    "explainer": pl.String(),
    "agreement": pl.String(),
    "agrees": pl.Boolean(),
    "by": pl.List(pl.String()),
    "words": pl.List(pl.String()),
    "chance": pl.Float64(),
}
"""Of each feature whose explanations were asked for: class and label; the explanation that counts,
and who wrote it; `STATES`; whether they agree, also where the label says nothing, by the outermost
tokens then; in which of `WAYS`, and by which words of the explanation; the share of the bank's
explanations that would agree with it."""


class Explained:
    """The features of a bank whose explanations were asked for.

    Args:
        run: it is of.
        bank: its name.
        beside: what was fetched of it.
        explainer: whose explanations count; those that most features have, if None.
        only: the one feature that is looked at, by its place in the run; all, if None.

    Attributes:
        explained: one row a feature that has an explanation and is looked at, in the order of the
            run: row, class, speaks (whether its label says something), text.
        said: all of the bank's explanations as words, each at the place of its feature.
        own: [F] of each feature in `explained`, the place of its explanation in `said`.
        spoken: by each of `WAYS`, [F] the numbers of words that each of them speaks of.
        any_way: [F] all of these.
    """

    def __init__(
        self,
        run: RunTables,
        bank: str,
        beside: Beside,
        explainer: str | None,
        only: int | None = None,
    ) -> None:
        self.bank = bank
        self.explainer = _chosen(bank, beside.explanations, explainer)
        self._asked = _asked(run, bank, beside)
        every = self._asked.join(
            _counting(beside.explanations, self.explainer),
            on="index", how="inner", maintain_order="left",
        )  # fmt: skip
        self.said = said_of(every["row"].to_list(), every["text"].to_list())
        if only is not None:
            self._asked = self._asked.filter(pl.col("row") == only)
        at = every.with_row_index("own").join(
            self._asked.select("row"), on="row", how="semi", maintain_order="left"
        )
        self.explained = at.select("row", "class", "speaks", "text")
        self.own = at["own"].to_list()
        self.spoken = spoken_of(run, at["row"].to_list(), self.said)
        together = zip(*(self.spoken[way] for way in WAYS), strict=True)
        self.any_way = [set().union(*each) for each in together]

    def agreeing(self, spoken: list[set[int]]) -> Bools:
        """Return [F] which features speak of a word of their own explanation.

        Args:
            spoken: [F] the numbers of words that each speaks of: one of `spoken`, or `any_way`.
        """
        pairs = zip(self.own, spoken, strict=True)
        found = [not words.isdisjoint(self.said.words[own]) for own, words in pairs]
        return np.asarray(found, np.bool_)

    def frame(self) -> pl.DataFrame:
        """Return `COLUMNS` of the features."""
        ways = {way: self.agreeing(self.spoken[way]) for way in WAYS}
        places = range(len(self.own))
        own = pl.DataFrame(
            {
                "row": self.explained["row"],
                "explanation": self.explained["text"],
                "agrees": self.agreeing(self.any_way),
                "by": [[way for way in WAYS if ways[way][at]] for at in places],
                "words": [self._shared(at) for at in places],
                "chance": chances(self.said.words, self.any_way),
            },
            schema={"row": pl.Int64()}
            | {name: COLUMNS[name] for name in ("explanation", "agrees", "by", "words", "chance")},
        )
        known = self._asked.join(own, on="row", how="left", maintain_order="left")
        explainer = pl.when(pl.col("explanation").is_not_null()).then(pl.lit(self.explainer))
        return known.with_columns(ADDRESS, agreement=_state(), explainer=explainer).select(
            pl.col(name).cast(kind) for name, kind in COLUMNS.items()
        )

    def _shared(self, at: int) -> list[str]:
        """Return the words of an explanation that its feature speaks of, as they stand there."""
        words = content_words(self.explained["text"][at])
        numbers = self.said.words[self.own[at]]
        return [
            word for word, number in zip(words, numbers, strict=True) if number in self.any_way[at]
        ]


def _state() -> pl.Expr:
    only_label = pl.when("speaks").then(pl.lit("only label"))
    return (
        pl.when(pl.col("explanation").is_null())
        .then(only_label)
        .when(~pl.col("speaks"))
        .then(pl.lit("only explanation"))
        .when("agrees")
        .then(pl.lit("agree"))
        .otherwise(pl.lit("differ"))
    )


def _asked(run: RunTables, bank: str, beside: Beside) -> pl.DataFrame:
    """Return the features whose explanations were asked for, in the order of the run."""
    start, count = run.manifest.first_rows[bank], run.manifest.bank(bank).features
    asked = beside.features.filter("has_explanations").select("index")
    return (
        run.scalars.slice(start, count)
        .select("bank", "index", "class", "label")
        .with_columns(
            pl.int_range(start, start + count, dtype=pl.Int64, eager=True).alias("row"),
            speaks(run).slice(start, count).alias("speaks"),
        )
        .join(asked, on="index", how="semi", maintain_order="left")
    )


def _with_explainer(explanations: pl.DataFrame) -> pl.DataFrame:
    """Return explanations with who wrote each: the model, or the way where no model is named."""
    who = pl.coalesce("model", "type", pl.lit("unknown"))
    return explanations.with_columns(who.alias("explainer"))


def _counting(explanations: pl.DataFrame, explainer: str | None) -> pl.DataFrame:
    """Return one explanation a feature: the first that the explainer wrote."""
    written = _with_explainer(explanations).filter(pl.col("explainer") == explainer)
    return written.unique("index", keep="first", maintain_order=True).select("index", "text")


def _chosen(bank: str, explanations: pl.DataFrame, explainer: str | None) -> str | None:
    """Return whose explanations count: those that most features have, by the alphabet of equals."""
    known = _with_explainer(explanations).unique(["index", "explainer"])
    counts = Counter(known["explainer"].to_list())
    if explainer is None:
        return min(counts, key=lambda each: (-counts[each], each), default=None)
    if explainer not in counts:
        raise QueryError(
            f"No explanation of {bank} is by {explainer!r}. There are some by: "
            f"{listed(sorted(counts))}."
        )
    return explainer
