"""What a check of a run's lenses found (`unembed lens check`), and where a lens is not true."""

from __future__ import annotations

from typing import Any

import polars as pl

from unembed.questions.banks import by_depth
from unembed.questions.lenses import written_as
from unembed.store.lens_check import read_lens_check
from unembed.store.tables import RunTables

TRUE = 0.5
"""The least correlation with which a lens is taken for true of a bank, as a median over features:
it accounts then for a quarter of the variance, over tokens, of what they do. In the demo's model
the logit lens has 0.16 at layer 10 of 30, 0.39 at 20 and 0.71 at 26, and J 0.60, 0.79 and 0.95: the
value lies where none of them is (docs: lenses)."""


def lens_check(run: RunTables) -> pl.DataFrame | None:
    """Return how well each lens tells what features do, a row a bank; None before it was checked.

    Columns: bank, written (its name without a lens), layer, lens; features, how many were added;
    correlation of the logits' changes with the lens's logit weights over all tokens, the median
    over features, quarter and three_quarters; chance and chance_high, the median and the 95 % point
    of the same with the weights of other directions; random, the median over random directions;
    block, behind which they were added; at_the_end; prompts, text, strength, seed, model; is_true,
    whether the correlation is above chance_high, and at least `TRUE`. Banks that are the same but
    for the lens stand one after the other, from the first layer on.

    Raises:
        RunError: when what was kept is damaged, or another run's.
    """
    kept = read_lens_check(run.path, run.manifest)
    if kept is None:
        return None
    random = kept.filter(directions="random").select("bank", random="correlation")
    found = (
        kept.filter(directions="features").drop("directions").rename({"count": "features"})
    ).join(random, on="bank", how="left", maintain_order="left")
    true = (pl.col("correlation") > pl.col("chance_high")) & (pl.col("correlation") >= TRUE)
    written = {bank.name: written_as(bank) for bank in run.manifest.banks}
    banks = by_depth(run).with_columns(written=pl.col("bank").replace_strict(written))
    banks = pl.concat(of_one for _, of_one in banks.group_by("written", maintain_order=True))
    return (
        banks.select("bank", "written", "layer", "lens")
        .join(found, on="bank", how="inner", maintain_order="left")
        .with_columns(is_true=true)
    )


def untrue(run: RunTables) -> dict[str, str]:
    """Return by bank what a reader must know of its lens, where it was found untrue.

    Raises:
        RunError: as `lens_check` does.
    """
    found = lens_check(run)
    if found is None:
        return {}
    rows = found.to_dicts()
    return {row["bank"]: _said(row, rows) for row in rows if not row["is_true"]}


def _said(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Say that a lens is not true of a bank, and through which of the run's it is better read."""
    said = (
        f"The {row['lens']} lens was found untrue here: what features do when they are added to "
        f"the model correlates with their logit weights by {row['correlation']:.2f} "
    )
    if row["correlation"] > row["chance_high"]:
        said += f"({TRUE:.2f} is the least that is taken for true)."
    else:
        said += f"(with those of other directions it goes up to {row['chance_high']:.2f})."
    better = [each for each in rows if each["written"] == row["written"] and each["is_true"]]
    if not better:
        return f"{said} Its tokens, sets and labels may not be what these features do."
    best = max(better, key=lambda each: each["correlation"])
    return f"{said} Read {best['bank']} instead ({best['correlation']:.2f})."
