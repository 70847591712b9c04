"""`Carriers`: the features of a bank that carry one label, as a run keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.explanation import apart
from unembed.explanation.apart import NEAREST, Compared, Difference, End
from unembed.explanation.phrasing import worth
from unembed.store.schema import ADDRESS
from unembed.store.tables import RunTables
from unembed.tokensets import SetInfo

I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_SAID_ALREADY = ("near-duplicate", "covered", "rival", "explained")
"""Why a label leaves out what it says in other words."""
_words: WeakKeyDictionary[RunTables, I64] = WeakKeyDictionary()


class Neighbours(NamedTuple):
    """The nearest of a feature among those that carry its label.

    Attributes:
        rows: places among the carriers, the nearest first.
        nearness: of each.
    """

    rows: list[int]
    nearness: list[float]


class Pairs(NamedTuple):
    """Pairs that pass of the features that carry a label.

    Attributes:
        carrier: [P] places among them.
        token_set, z, log10_p: [P] of the pairs.
    """

    carrier: I64
    token_set: I64
    z: F32
    log10_p: F32


class Carriers:
    """The features of a bank that carry one label.

    Args:
        run: the run.
        members: their rows in `labels`, which have one key.
    """

    def __init__(self, run: RunTables, members: pl.DataFrame) -> None:
        self._run = run
        label = members.row(0, named=True)
        self.bank, self.signs = str(label["bank"]), label["signs"]
        self.sets = [info_of(run, number) for number in label["sets"]]
        self.cores = [None if each is None else info_of(run, each) for each in label["cores"]]
        self._numbers = label["sets"]
        self.rows = members["row"].to_numpy()
        self.features = members.select(ADDRESS).to_series().to_list()
        self._positions = self.rows - run.manifest.first_rows[self.bank]

    def nearest(self, own: int) -> Neighbours:
        """Return the nearest of the others, equally near ones in the order of the run.

        By the cosine of their directions, where the run keeps these; else by the share of their
        outermost words that two have in common.

        Args:
            own: which of the carriers.
        """
        if self.directions is None:
            near = self._overlap(own)
        else:
            near = np.einsum("nd,d->n", self.directions, self.directions[own]).astype(np.float64)
        near[own] = -np.inf
        rows = np.argsort(-near, kind="stable")[: min(NEAREST, len(near) - 1)]
        return Neighbours(rows.tolist(), near[rows].tolist())

    def difference(self, own: int, near: Sequence[int]) -> Difference | None:
        """Return what sets a feature most apart from its neighbours; None if nothing does.

        Args:
            own: which of the carriers.
            near: its neighbours.
        """
        words = apart.by_words(self.ends, own, near, self._run.manifest.unembedding.tokens)
        return apart.apart(len(near), words, self._by_sets(own, near))

    def sharing(self, own: int, of: Difference) -> int:
        """Return how many others are like a feature in what sets it apart."""
        if of.kind != "set":
            return apart.sharing(self.ends, own, of)
        carrier, token_set, z, _ = self._pairs
        alike = carrier[(token_set == of.what) & ((z > 0) == of.promotes)]
        return len({*alike.tolist()} - {own})

    @cached_property
    def directions(self) -> F32 | None:
        """[n, d_model] of length 1, None where the run keeps none."""
        return self._run.scores.directions(self.bank, self._positions)

    @cached_property
    def ends(self) -> tuple[End, End]:
        """The outermost tokens at the upper and the lower end."""
        found = self._run.outermost(self.rows.tolist())
        scalars = self._run.scalars[self.rows].select("mean", "std")
        mean, std = (scalars[name].to_numpy()[:, None] for name in ("mean", "std"))
        ends = []
        for name, sign in (("top", 1), ("bottom", -1)):
            ids = _matrix(found[f"{name}_ids"]).astype(np.int64)
            z = sign * (_matrix(found[f"{name}_weights"]) - mean) / std
            ends.append(End(words_of(self._run)[ids], ids, z.astype(np.float32)))
        return ends[0], ends[1]

    def _overlap(self, own: int) -> F64:
        """Return the share of words, of all that two features have, that both have."""
        found = [
            {(side, word) for side, end in enumerate(self.ends) for word in end.words[row].tolist()}
            for row in range(len(self.rows))
        ]
        return np.array([len(each & found[own]) / len(each | found[own]) for each in found])

    @cached_property
    def _pairs(self) -> Pairs:
        """Those that pass."""
        kept = self._run.scores.kept(self.bank)
        position = kept["feature"].to_numpy()
        at = np.searchsorted(self._positions, position).clip(max=len(self._positions) - 1)
        ours = self._positions[at] == position
        token_set, z, log10_p = (
            kept[name].to_numpy()[ours] for name in ("token_set", "z", "log10_p")
        )
        return Pairs(at[ours], token_set.astype(np.int64), z, log10_p)

    def _by_sets(self, own: int, near: Sequence[int]) -> Compared:
        """Compare by sets that a feature moves beyond its label, and none of its neighbours."""
        carrier, token_set, z, log10_p = self._pairs
        signed = np.where(z > 0, token_set + 1, -token_set - 1)
        mine = (carrier == own) & (log10_p <= apart.least_log10_p(self._run.tested_sets.height))
        mine &= ~np.isin(signed, signed[np.isin(carrier, near)])
        mine[mine] = self._says_more(own, token_set[mine])
        numbers = token_set[mine]
        positions = np.repeat(self._positions[near], len(numbers))
        others = self._run.scores.z_of_pairs(self.bank, positions, np.tile(numbers, len(near)))
        plain = [worth(info_of(self._run, number)) == 1 for number in numbers.tolist()]
        return apart.by_sets(
            numbers, z[mine], others.reshape(len(near), -1).mean(0), np.array(plain, bool)
        )

    def _says_more(self, own: int, numbers: I64) -> npt.NDArray[np.bool_]:
        """Return which sets of a feature say something that its label does not."""
        assert self._run.explanations is not None
        case = self._run.explanations.case(int(self.rows[own]))
        known = {
            self._run.sets.number(each["token_set"])
            for each in case["rejected"]
            if each["reason"] in _SAID_ALREADY
        }
        return np.array(
            [
                not (number in known or self._is_like_the_label(number))
                for number in numbers.tolist()
            ],
            bool,
        )

    def _is_like_the_label(self, number: int) -> bool:
        """Return whether a set says the same as a named one."""
        tokens = self._run.tested_sets["ids"][number].to_numpy()
        n_tokens = self._run.manifest.unembedding.tokens
        return any(
            apart.says_the_same(
                int(has[tokens].sum()), len(tokens), int(has.sum()), n_tokens, splits=not sign
            )
            for has, sign in zip(self._members, self.signs, strict=True)
        )

    @cached_property
    def _members(self) -> list[npt.NDArray[np.bool_]]:
        """Which tokens each set of the label has."""
        found = []
        for number in self._numbers:
            has = np.zeros(len(self._run.tokens), bool)
            has[self._run.tested_sets["ids"][number].to_numpy()] = True
            found.append(has)
        return found


def info_of(run: RunTables, number: int) -> SetInfo:
    """Return what a token set is called, and its family."""
    return SetInfo(run.tested_sets["name"][number], run.tested_sets["family"][number])


def words_of(run: RunTables) -> I64:
    """Return [V] the number of each token's word: the same for all its forms.

    With or without spaces around it, in capitals or not. Tokens of white space alone are words of
    their own, as are those whose bytes are no text.
    """
    if run not in _words:
        text, plain = pl.col("text"), pl.col("text").str.strip_chars().str.to_lowercase()
        own = pl.when(plain == "").then(text).otherwise(plain)
        torn = pl.when("partial_utf8").then(pl.col("id").cast(pl.Int64)).otherwise(-1)
        first = pl.col("id").min().over(own.alias("word"), torn.alias("torn"))
        _words[run] = run.tokens.select(first.cast(pl.Int64)).to_series().to_numpy()
    return _words[run]


def _matrix(lists: pl.Series) -> npt.NDArray[Any]:
    """Return lists of one length as [rows, length]."""
    return lists.explode().to_numpy().reshape(len(lists), -1)
