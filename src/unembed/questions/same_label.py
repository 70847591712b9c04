"""Features that carry the same label, and what sets each apart from the nearest of them.

All of it is in a run's tables: token sets and signs of every label, the outermost tokens, the pairs
that pass, and z and directions as they are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import polars as pl

from unembed.explanation import apart_wording, phrasing
from unembed.explanation.apart import Difference
from unembed.explanation.names import Verbs, verbs_of
from unembed.questions.carriers import Carriers, info_of
from unembed.questions.labels import labels
from unembed.store.published import COLLISION_COLUMNS
from unembed.store.tables import RunTables

Differs = Literal["without", "with", "strongest", "set", "nothing", "only"]
"""A kind of difference (`explanation.apart.Kind`); none that is clear; no other has the label."""
COLUMNS: dict[str, pl.DataType] = {
    "feature": pl.String(), "bank": pl.String(), "index": pl.Int64(), **COLLISION_COLUMNS,
}  # fmt: skip
"""The label without its numbers; how many features of the bank carry it; what sets the feature
apart, in words and by kind (`Differs`); the word (a token) or the set, and at which end; z of the
feature and the mean of its nearest, above 0 also at the lower end; how many other carriers are like
it in that; the nearest carriers, how near each is, and whether by `cosine` or by outermost
`words`."""


def collisions(
    run: RunTables,
    feature: str | Sequence[str] | None = None,
    *,
    bank: str | Sequence[str] | None = None,
) -> pl.DataFrame:
    """Return how many features carry each one's label, and what sets it apart (`COLUMNS`).

    Of some features in the order given; or of all, the labels that most features carry first. A
    feature without a label has no row.

    Args:
        run: with token sets.
        feature: `bank/index`, or several.
        bank: of these banks, if no feature is named.

    Raises:
        QueryError: when the run has no such feature or bank, or its features have no classes.
    """
    known = labels(run)
    if feature is None:
        among = known.filter(pl.col("bank").is_in(run.banks_named(bank)))
        found = among.sort(pl.len().over("key"), "key", "row", descending=[True, False, False])
    else:
        named = [feature] if isinstance(feature, str | int) else feature
        rows = dict.fromkeys(run.row_of(each) for each in named)
        asked = pl.DataFrame({"row": [*rows]}, schema={"row": pl.Int64})
        found = asked.join(known, on="row", how="inner", maintain_order="left")
    asked_for = {*found["row"].to_list()}
    said: dict[int, dict[str, Any]] = {}
    with_them = known.filter(pl.col("key").is_in(found["key"].unique().implode()))
    for members in with_them.partition_by("key"):
        carriers = Carriers(run, members)
        rows_asked = [row for row in members["row"].to_list() if row in asked_for]
        said |= {row: _said(run, carriers, row) for row in rows_asked}
    facts = [said[row] for row in found["row"].to_list()]
    whole = found.select("bank", "index").hstack(pl.DataFrame(facts, schema=_SAID))
    return whole.select(*COLUMNS)


_SAID = COLLISION_COLUMNS


def apart_of(run: RunTables, address: str) -> dict[str, Any] | None:
    """Return what `collisions` says of one feature; None for one without a label or class.

    Raises:
        QueryError: when the run has no such feature.
    """
    row = run.row_of(address)
    if not run.is_explained:
        return None
    known = run.published_collision(row)
    if known is not None:
        facts = {name: known[name] for name in COLLISION_COLUMNS if name != "feature"}
        return facts if known["feature"] else None
    found = collisions(run, address)
    if not found.height:
        return None
    return found.drop("feature", "bank", "index").row(0, named=True)


def _said(run: RunTables, carriers: Carriers, row: int) -> dict[str, Any]:
    """Return what is said of the feature in a row of the run."""
    own, verbs = carriers.rows.tolist().index(row), _verbs_of(run, carriers)
    facts = dict.fromkeys(_SAID) | {
        "feature": carriers.features[own],
        "writes": apart_wording.written(carriers.sets, carriers.signs, carriers.cores, verbs=verbs),
        "carriers": len(carriers.rows),
    }
    if len(carriers.rows) == 1:
        only = f"the only one of {carriers.bank} that {facts['writes']}"
        return {**facts, "differs": "only", "apart": only}
    near = carriers.nearest(own)
    found = carriers.difference(own, near.rows)
    nearest = [carriers.features[each] for each in near.rows]
    plural = apart_wording.written(
        carriers.sets, carriers.signs, carriers.cores, plural=True, verbs=verbs
    )
    among = f"among {len(carriers.rows):,} of {carriers.bank} that {plural}"
    facts |= {
        "differs": "nothing",
        "apart": f"{among}: no clear difference from its nearest, {nearest[0]}",
        "nearest": nearest,
        "nearness": near.nearness,
        "by": "words" if carriers.directions is None else "cosine",
    }
    if found is None:
        return facts
    sharing = carriers.sharing(own, found)
    what, difference = _put(run, carriers, found, sharing)
    return facts | {
        "apart": f"{among}: {difference}",
        "differs": found.kind,
        "what": what,
        "sign": "+" if found.promotes else "-",
        "z": found.z,
        "z_of_nearest": found.others,
        "sharing": sharing,
    }


def _put(run: RunTables, carriers: Carriers, found: Difference, sharing: int) -> tuple[str, str]:
    """Return the word or set by which a feature differs, and the difference in words."""
    if found.kind == "set":
        info = info_of(run, found.what)
        what, phrase = info.name, phrasing.said(info)
    else:
        what = str(run.tokens["text"][found.what])
        phrase = apart_wording.word(what)
    return what, apart_wording.difference(
        found.kind, phrase, promotes=found.promotes, signs=carriers.signs, sharing=sharing,
        verbs=_verbs_of(run, carriers),
    )  # fmt: skip


def _verbs_of(run: RunTables, carriers: Carriers) -> Verbs:
    return verbs_of(reads=run.manifest.bank(carriers.bank).reads is not None)
