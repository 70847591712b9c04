"""A run at a glance: the spread of each bank, and the features to look at first."""

from __future__ import annotations

from typing import Any

import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from unembed.store import Run
from unembed.views import features
from unembed.views.text import number


def by_bank(run: Run) -> pl.DataFrame:
    """Return one row a bank: how its features' std, skewness and kurtosis spread.

    Columns: bank, features, flat (features that write nothing), median std, the 1st, 50th and
    99th percentile of skewness, the median, 99th percentile and maximum of kurtosis.
    """
    skewness, kurtosis = pl.col("skewness"), pl.col("kurtosis")
    return run.features.group_by("bank", maintain_order=True).agg(
        features=pl.len(),
        flat=skewness.is_null().sum(),
        std_median=pl.col("std").median(),
        skewness_p1=skewness.quantile(0.01),
        skewness_median=skewness.median(),
        skewness_p99=skewness.quantile(0.99),
        kurtosis_median=kurtosis.median(),
        kurtosis_p99=kurtosis.quantile(0.99),
        kurtosis_max=kurtosis.max(),
    )


def facts(run: Run, *, n_features: int = 10) -> dict[str, Any]:
    """Return the summary as data: `--json` of `unembed run` and `unembed demo`."""
    manifest = run.manifest["unembedding"]
    return {
        "run": str(run.path),
        "model": run.model,
        "tokens": manifest["tokens"],
        "lens": manifest["lens"],
        "banks": by_bank(run).to_dicts(),
        "prediction": extreme(run, "skewness > 0", n_features).to_dicts(),
        "suppression": extreme(run, "skewness < 0", n_features).to_dicts(),
    }


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
    count = run.features.height
    heading = Text.assemble(
        (f"{count:,} features", "bold"),
        f" × {manifest['tokens']:,} tokens of {run.model} ({manifest['lens']} lens)",
    )
    promising = extreme(run, "skewness > 0", 1)
    first = promising["feature"][0] if promising.height else f"{run.banks[0]}/0"
    return Group(
        heading,
        Text(""),
        _banks(run),
        Text(""),
        features.table(
            extreme(run, "skewness > 0", n_features),
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
        Text(""),
        Text("Where to go next", style="bold"),
        Text(f"  unembed show {run.path} {first}"),
        Text(f'  unembed features {run.path} --where "kurtosis > 10" --sort skewness'),
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
