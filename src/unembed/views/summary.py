"""A run at a glance: the spread of each bank, and the features to look at first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.store import Run
from unembed.store.depth import classes_by_bank, spread_by_bank
from unembed.store.query import LEVELS
from unembed.views import enrichment, features
from unembed.views.text import number


def by_bank(run: Run) -> pl.DataFrame:
    """Return one row a bank: how its features' std, skewness and kurtosis spread.

    Columns: bank, features, flat (features that write nothing), median std, the 1st, 50th and
    99th percentile of skewness, the median, 99th percentile and maximum of kurtosis.
    """
    spread = spread_by_bank(run).select(
        "bank", "features", "flat",
        std_median="std_p50",
        skewness_p1="skewness_p1", skewness_median="skewness_p50", skewness_p99="skewness_p99",
        kurtosis_median="kurtosis_p50", kurtosis_p99="kurtosis_p99", kurtosis_max="kurtosis_max",
    )  # fmt: skip
    banks = pl.DataFrame({"bank": run.banks})
    return banks.join(spread, on="bank", how="left", maintain_order="left")


def facts(run: Run, *, n_features: int = 10) -> dict[str, Any]:
    """Return the summary as data: `--json` of `unembed run` and `unembed demo`."""
    manifest = run.manifest["unembedding"]
    return {
        "run": str(run.path),
        "model": run.model,
        "tokens": manifest["tokens"],
        "lens": manifest["lens"],
        "banks": by_bank(run).to_dicts(),
        "classes": classes_of_banks(run).to_dicts() if run.is_explained else None,
        "prediction": extreme(run, "skewness > 0", n_features).to_dicts(),
        "suppression": extreme(run, "skewness < 0", n_features).to_dicts(),
        "enrichment": _enrichment_facts(run) if run.has_enrichment else None,
    }


def _enrichment_facts(run: Run) -> dict[str, Any]:
    return {
        "token_sets": run.manifest["enrichment"]["token_sets"],
        **run.discoveries,
        "banks": enriched_by_bank(run).to_dicts(),
        "strongest": strongest_sets(run, 10).to_dicts(),
    }


def enriched_by_bank(run: Run) -> pl.DataFrame:
    """Return one row a bank: how many of its features and pairs pass, at the run's own max_q.

    Columns: bank, pairs, features (with at least one set), sets (of at least one feature).

    Raises:
        QueryError: when the run has no enrichment.
    """
    pairs = run.enrichment().with_columns(bank=pl.col("feature").str.replace(r"/\d+$", ""))
    counted = pairs.group_by("bank").agg(
        pairs=pl.len(), features=pl.col("feature").n_unique(), sets=pl.col("token_set").n_unique()
    )
    banks = pl.DataFrame({"bank": run.banks})
    return banks.join(counted, on="bank", how="left", maintain_order="left").fill_null(0)


def strongest_sets(run: Run, limit: int) -> pl.DataFrame:
    """Return the strongest pairs of each bank, bank after bank, each feature and set once.

    Args:
        run: the run.
        limit: how many, shared evenly by the banks; at least one of each.
    """
    share = max(1, limit // len(run.banks))
    pairs = run.enrichment()
    return pl.concat(
        pairs.filter(pl.col("feature").str.starts_with(f"{bank}/"))
        .unique("feature", keep="first", maintain_order=True)
        .unique("token_set", keep="first", maintain_order=True)
        .head(share)
        for bank in run.banks
    )


def classes_of_banks(run: Run) -> pl.DataFrame:
    """Return one row a bank: how many of its features are of each class, and have a label.

    Columns: bank, each of `explanation.CLASSES`, labelled (at least one token set is named).

    Raises:
        QueryError: when the run's features have no classes.
    """
    counts = classes_by_bank(run).pivot("class", index="bank", values="features")
    named = pl.col("label").str.contains("^(?:promotes|suppresses|splits)")
    labelled = run.scalars.group_by("bank").agg(labelled=named.sum())
    return counts.join(labelled, on="bank", maintain_order="left")


def extreme(run: Run, tail: str, limit: int) -> pl.DataFrame:
    """Return each bank's features with the heaviest tails on one side, bank after bank.

    Layers differ so much in their tails that over all banks the last one would fill the list.

    Args:
        run: the run.
        tail: `skewness > 0` for a right tail (prediction), `skewness < 0` for a left one
            (suppression).
        limit: how many, shared evenly by the banks; at least one of each.
    """
    share = max(1, limit // len(run.banks))
    return pl.concat(
        features.query(run, banks=[bank], where=tail, sort="kurtosis", limit=share)
        for bank in run.banks
    )


def draw(run: Run, *, n_features: int = 10) -> Group:
    """Return the summary, drawn for the terminal."""
    manifest = run.manifest["unembedding"]
    count = run.scalars.height
    heading = Text.assemble(
        (f"{count:,} features", "bold"),
        f" × {manifest['tokens']:,} tokens of {run.model} ({manifest['lens']} lens)",
    )
    prediction = extreme(run, "skewness > 0", n_features)
    first = prediction["feature"][0] if prediction.height else f"{run.banks[0]}/0"
    return Group(
        heading,
        Text(""),
        _banks(run),
        Text(""),
        features.table(
            prediction,
            title="Most prediction-like: a heavy right tail, few tokens strongly promoted",
            ends=["top"],
            n_tokens=10,
        ),
        Text(""),
        features.table(
            extreme(run, "skewness < 0", n_features),
            title="Most suppression-like: a heavy left tail, few tokens strongly suppressed",
            ends=["bottom"],
            n_tokens=10,
        ),
        *(_enrichment(run, n_features) if run.has_enrichment else ()),
        *((Text(""), _classes(run)) if run.is_explained else ()),
        Text(""),
        Text("Where to go next", style="bold"),
        Text(f"  unembed explore {run.path}"),
        Text(f"  unembed show {run.path} {first}"),
        Text(f'  unembed features {run.path} --where "kurtosis > 10" --sort skewness'),
        *(
            [
                Text(f"  unembed enrichment {run.path} --feature {first}"),
                Text(f"  unembed explain {run.path} {first}"),
            ]
            if run.has_enrichment
            else []
        ),
        Text(f'  python: unembed.Run.open("{run.path}").features'),
    )


def _banks(run: Run) -> Table:
    table = Table(
        title="Spread by bank (normal: skewness 0, kurtosis 3)",
        title_justify="left", box=None, pad_edge=False,
    )  # fmt: skip
    table.add_column("bank", style="bold")
    for name in ("features", "flat", "std", "skew 1%", "50%", "99%", "kurt 50%", "99%", "max"):
        table.add_column(name, justify="right")
    for row in by_bank(run).iter_rows():
        bank, n_features, flat, *spread = row
        table.add_row(bank, f"{n_features:,}", f"{flat:,}", *(number(value) for value in spread))
    return table


def _classes(run: Run) -> Table:
    table = Table(title="Classes by bank", title_justify="left", box=None, pad_edge=False)
    counts = classes_of_banks(run)
    table.add_column("bank", style="bold")
    shown = [name for name in counts.columns[1:] if counts[name].sum() or name == "labelled"]
    for name in shown:
        table.add_column(name, justify="right")
    for row in counts.iter_rows(named=True):
        table.add_row(row["bank"], *(f"{row[name]:,}" for name in shown))
    return table


def _enrichment(run: Run, n_pairs: int) -> Iterator[RenderableType]:
    """Draw what was found of token sets, and how far it can be trusted."""
    facts = run.discoveries
    sets = run.manifest["enrichment"]["token_sets"]
    yield Text("")
    yield Text.assemble(
        (f"{sets:,} token sets", "bold"),
        f" tested in every feature: {facts['pairs']:,} pairs",
    )
    yield _discoveries(facts)
    yield Text("")
    yield _enriched_banks(run, facts["nulls"])
    strongest = strongest_sets(run, n_pairs)
    if strongest.height:
        yield Text("")
        yield enrichment.table(strongest, title="Strongest token sets of each bank")


def _discoveries(facts: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("pass at a false discovery rate of")
    for level in LEVELS:
        table.add_column(f"{level:.0%}", justify="right")
    found = {"direction test": facts["passing"], "classical TSEA would claim": facts["classical"]}
    for name, counts in found.items():
        if counts is not None:
            table.add_row(name, *(f"{counts[str(level)]:,}" for level in LEVELS))
    return table


def _enriched_banks(run: Run, nulls: dict[str, Any]) -> Table:
    max_q = run.manifest["enrichment"]["max_q"]
    table = Table(
        title=f"By bank, at {max_q:.0%}" + (
            "; and what random directions of it do, which should be 1 and 1 %" if nulls else ""
        ),
        title_justify="left", box=None, pad_edge=False,
    )  # fmt: skip
    table.add_column("bank", style="bold")
    for name in ("pairs", "features", "sets", *(("sd of z", "beyond 1 %") if nulls else ())):
        table.add_column(name, justify="right")
    for bank, *counts in enriched_by_bank(run).iter_rows():
        null = nulls.get(bank)
        check = [f"{null['z_sd']['median']:.3f}", f"{null['beyond_1_percent']:.2%}"] if null else []
        table.add_row(bank, *(f"{count:,}" for count in counts), *check)
    return table
