"""The token sets of a run, and which of them a name means: the one place that says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import polars as pl

from unembed.errors import QueryError, did_you_mean, listed
from unembed.tokensets.token_sets import is_within

POST = "post:"
"""The post's sets may be called as the post calls them, without this."""
_NEAR = 6
_GENERATED = r"^(forms|affixes|characters|tokenizer)\b"


class SetCatalogue:
    """The token sets of one run, by name, alias and family.

    Args:
        token_sets: one row a set, those that were tested first (`token_sets.parquet`).
    """

    def __init__(self, token_sets: pl.DataFrame) -> None:
        self.token_sets = token_sets

    @cached_property
    def tested(self) -> pl.DataFrame:
        """The sets that were tested, in the order of their numbers."""
        return self.token_sets.filter(pl.col("set_aside").is_null())

    @cached_property
    def aside(self) -> pl.DataFrame:
        """The sets that were not, with the reason in `set_aside`."""
        return self.token_sets.filter(pl.col("set_aside").is_not_null())

    @cached_property
    def families(self) -> list[str]:
        """The families of the sets that were tested, by the alphabet."""
        return self.tested["family"].unique().sort().to_list()

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each tested set by all that it may be called: name, alias, shorthand."""
        return _by_name(self.tested)

    @cached_property
    def _aside_by_name(self) -> dict[str, int]:
        """The place in `aside` of each set there, likewise."""
        return _by_name(self.aside)

    def number(self, name: str) -> int:
        """Return the number of the tested set that is meant.

        Raises:
            QueryError: when the run has no such set, naming those spelt alike and those that share
                a word, or the reason for which it was set aside.
        """
        if name in self.numbers:
            return self.numbers[name]
        if name in self._aside_by_name:
            full, why = self.aside.select("name", "set_aside").row(self._aside_by_name[name])
            raise QueryError(f"The token set {full!r} was set aside: {why}.")
        known = [*self.tested["name"], *self.tested["aliases"].explode().drop_nulls()]
        near = did_you_mean(name, known)
        sharing = [each for each in self._sharing_a_word(name) if repr(each) not in near]
        raise QueryError(
            f"There is no token set {name!r} among the {self.tested.height:,} of this run.{near}"
            f"{f' With a word of it: {listed(sharing, most=_NEAR)}.' if sharing else ''} "
            "`unembed sets list` shows what there is; the post's own are in `--sets post`."
        )

    def name(self, name: str) -> str:
        """Return the full name of the tested set that is meant.

        Raises:
            QueryError: as `number` does.
        """
        return str(self.tested["name"][self.number(name)])

    def info(self, name: str, *, aside: bool = False) -> dict[str, Any]:
        """Return the row of the set that is meant.

        Args:
            name: its name or alias.
            aside: whether it may be one that was set aside.

        Raises:
            QueryError: as `number` does.
        """
        if aside and name not in self.numbers and name in self._aside_by_name:
            return self.aside.row(self._aside_by_name[name], named=True)
        return self.tested.row(self.number(name), named=True)

    def within(self, families: str | Sequence[str]) -> list[str]:
        """Return the families that are one of these or below it.

        Raises:
            QueryError: for a family that the run does not have, with near names.
        """
        wanted = [families] if isinstance(families, str) else list(families)
        for family in wanted:
            if not any(is_within(each, family) for each in self.families):
                known = dict.fromkeys(_parts(self.families))
                raise QueryError(
                    f"There is no family {family!r}.{did_you_mean(family, known)} "
                    f"Families: {', '.join(self.families)}."
                )
        return [each for each in self.families if any(is_within(each, one) for one in wanted)]

    def _sharing_a_word(self, wanted: str) -> list[str]:
        """Return the names of defined sets that share a word with a name, the shortest first."""
        words = {word for word in _words(wanted) if len(word) > 3}
        defined = self.tested.filter(~pl.col("family").str.contains(_GENERATED))["name"]
        return sorted((name for name in defined if words & _words(name)), key=len)


def _by_name(sets: pl.DataFrame) -> dict[str, int]:
    """Return the place of each set by all that it may be called; of two that clash, the first."""
    named = [(name, at) for at, name in enumerate(sets["name"])]
    aliases = sets.select("aliases").with_row_index("at").explode("aliases").drop_nulls()
    called = [*named, *aliases.select("aliases", "at").iter_rows()]
    short = [(name.removeprefix(POST), at) for name, at in called if name.startswith(POST)]
    return dict([*reversed(short), *reversed(called)])


def _parts(families: Iterable[str]) -> Iterable[str]:
    """Yield families, and each part of their paths, by which they may be called as well."""
    for family in families:
        yield from (family, *family.split("/"))


def _words(name: str) -> set[str]:
    return {*re.split(r"[^a-z0-9]+", name.lower())}
