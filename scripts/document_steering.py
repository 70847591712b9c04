"""Write what adding features to the model does, by layer and class, into `docs/steering.md`.

    python -m scripts.document_steering RUN [--features 20] [--random 20] [--rows FILE]

RUN is the demo's. Of each bank some features that have a label are steered, as `unembed steer` does
it, and nothing is kept in the run. FILE keeps the rows, from which the tables are written again in
a moment where it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import polars as pl
import typer

from scripts.marked import replaced
from unembed import Run, SteerSettings, steer

_FEWEST = 5
"""Features with a label: of a bank with fewer nothing can be told."""
PAGE = Path(__file__).parents[1] / "docs" / "steering.md"


def chosen(run: Run, bank: str, features: int) -> list[str]:
    """Return some features of a bank whose label names a token set, drawn at random."""
    assert run.explanations is not None
    known = run.scalars.with_columns(run.explanations.labelled)
    labelled = known.filter((pl.col("bank") == bank) & pl.col("labelled"))["feature"].to_list()
    draw = np.random.default_rng(0)
    picked = draw.choice(len(labelled), min(features, len(labelled)), replace=False)
    return [labelled[at] for at in sorted(picked)]


def measured(run: Run, features: int, random: int) -> pl.DataFrame:
    """Return the rows of all banks."""
    settings = SteerSettings(random=random, tokens=0)
    found = []
    for bank in run.banks:
        some = chosen(run, bank, features)
        if len(some) < _FEWEST:
            continue
        found.append(steer(run, some, settings=settings, keep=False))
        print(bank, found[-1].height, flush=True)
    return pl.concat(found)


def sets_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row a set that a label names."""
    each = rows.select("bank", "class", "sets").explode("sets").drop_nulls("sets").unnest("sets")
    signed = pl.col("sign") * pl.col("change")
    return each.with_columns(
        moved=signed > 0,
        first=pl.col("matched_rank") == 1,
        beyond=pl.col("random_rank") == 1,
        by_chance=pl.col("random_first") / pl.col("random"),
    )


def own(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the correlation under the logit lens, and under the bank's own."""
    long = rows.select("feature", "lens", "correlations").explode("correlations")
    long = long.with_columns(pl.col("correlations").struct.unnest().name.prefix("of_"))
    logit = long.filter(pl.col("of_lens") == "logit").select(
        "feature", logit="of_correlation", logit_random="of_random"
    )
    through = long.filter(pl.col("of_lens") == pl.col("lens")).select(
        "feature", own="of_correlation", own_random="of_random"
    )
    return rows.join(logit, on="feature", how="left").join(through, on="feature", how="left")


def table(rows: pl.DataFrame, by: str) -> Iterator[str]:
    """Yield the lines of one table, a row for each bank or class."""
    yield (
        f"| {by} | features | correlation (quartiles) | random | sets | moved as the label says "
        "| further than all 200 matched | the same, random directions | further than all random "
        "directions | S | random |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    known, sets = own(rows), sets_of(rows)
    for (name,), of_one in known.group_by(by, maintain_order=True):
        those = sets.filter(pl.col(by) == name)
        low, middle, high = (of_one["own"].quantile(q, "linear") for q in (0.25, 0.5, 0.75))
        shares = (f"{those[column].mean():.0%}".replace("%", " %") for column in (
            "moved", "first", "by_chance", "beyond",
        ))  # fmt: skip
        moved, first, by_chance, beyond = shares
        cells = (
            f"{of_one.height}", f"**{middle:.2f}** ({low:.2f} to {high:.2f})",
            f"{of_one['own_random'].median():.2f}", f"{those.height}", moved, f"**{first}**",
            by_chance, beyond, f"{of_one['output_score'].median():.2f}",
            f"{of_one['output_score_random'].median():.2f}",
        )  # fmt: skip
        yield f"| {name} | {' | '.join(cells)} |"


def main(
    run: Path,
    features: Annotated[int, typer.Option(help="Of each bank.")] = 20,
    random: Annotated[int, typer.Option(help="Random directions of each bank.")] = 20,
    rows: Annotated[Path | None, typer.Option(help="Keep the rows there, as Parquet.")] = None,
) -> None:
    """Write the tables."""
    if rows is not None and rows.exists():
        found = pl.read_parquet(rows)
    else:
        found = measured(Run.open(run), features, random)
        if rows is not None:
            found.write_parquet(rows)
    page = PAGE.read_text(encoding="utf-8")
    for by in ("bank", "class"):
        page = replaced(page, f"by {by}", "\n".join(table(found, by)))
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
