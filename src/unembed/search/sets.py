"""Which token set is meant? One of a run's, by name or alias."""

from __future__ import annotations

import difflib
import re

import polars as pl

from unembed.errors import QueryError
from unembed.store import Run

_NEAR = 6
_GENERATED = r"^(forms|affixes|characters|tokenizer)\b"


def set_named(run: Run, name: str) -> str:
    """Return the name of the tested set that has this name or alias.

    The post's sets may be called as the post calls them, without `post:`.

    Raises:
        QueryError: when the run has no such set, naming those spelt alike and those that share a
            word, or the reason for which it was set aside.
    """
    tested = run.token_sets.filter(pl.col("set_aside").is_null())
    for called in (name, f"post:{name}"):
        found = tested.filter((pl.col("name") == called) | pl.col("aliases").list.contains(called))
        if found.height:
            return str(found["name"][0])
    aside = run.token_sets.filter(pl.col("set_aside").is_not_null(), name=name)
    if aside.height:
        raise QueryError(f"The token set {name!r} was set aside: {aside['set_aside'][0]}.")
    near = _near(tested, name)
    hint = f" Near it: {', '.join(near)}." if near else ""
    raise QueryError(
        f"There is no token set {name!r} among the {tested.height:,} of this run.{hint} "
        "`unembed sets list` shows what there is; the post's own are in `--sets post`."
    )


def _near(tested: pl.DataFrame, wanted: str) -> list[str]:
    """Return names that are spelt alike, then those of defined sets that share a word."""
    names = [*tested["name"], *tested["aliases"].explode().drop_nulls()]
    alike = difflib.get_close_matches(wanted, names, n=_NEAR // 2, cutoff=0.6)
    words = {word for word in _words(wanted) if len(word) > 3}
    defined = tested.filter(~pl.col("family").str.contains(_GENERATED))["name"]
    shared = [name for name in defined if words & _words(name)]
    return [*dict.fromkeys([*alike, *sorted(shared, key=len)])][:_NEAR]


def _words(name: str) -> set[str]:
    return {*re.split(r"[^a-z0-9]+", name.lower())}
