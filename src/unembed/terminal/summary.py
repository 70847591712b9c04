"""A run at a glance: the spread of each bank, and the features to look at first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed import questions
from unembed.addresses import address
from unembed.enrichment.discovery_rate import LEVELS
from unembed.numerals import number
from unembed.outside.text import shown
from unembed.questions.banks import enriched_by_bank
from unembed.questions.exam import CHANCE, label_exam
from unembed.questions.run import Run
from unembed.questions.summary import (
    banks_at_a_glance,
    classes_of_banks,
    extreme,
    strongest_sets,
)
from unembed.terminal import enrichment, features, lenses, sides
from unembed.terminal.feature import NOT_FOLDED


def draw(run: Run, *, n_features: int = 10) -> Group:
    """Return the summary, drawn for the terminal."""
    facts = run.manifest.unembedding
    count = run.scalars.height
    heading = Text.assemble(
        (f"{count:,} features", "bold"),
        f" × {facts.tokens:,} tokens of {shown(run.model)} ({lenses.called(run.manifest.lenses)})",
    )
    if not facts.is_folded:
        heading.append(f"\n{NOT_FOLDED}", style="dim")
    prediction = extreme(run, "right", n_features)
    first = prediction["feature"][0] if prediction.height else address(run.banks[0], 0)
    path = shown(run.place)
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
            extreme(run, "left", n_features),
            title="Most suppression-like: a heavy left tail, few tokens strongly suppressed",
            ends=["bottom"],
            n_tokens=10,
        ),
        *(_enrichment(run, n_features) if run.has_enrichment else ()),
        *((Text(""), _classes(run), Text(""), _exam(run)) if run.is_explained else ()),
        *lenses.draw(run),
        *_sides(run),
        Text(""),
        Text("Where to go next", style="bold"),
        Text(f"  unembed explore {path}"),
        Text(f"  unembed show {path} {first}"),
        Text(f'  unembed features {path} --where "kurtosis > 10" --sort skewness'),
        *(
            [
                Text(f"  unembed enrichment {path} --feature {first}"),
                Text(f"  unembed explain {path} {first}"),
            ]
            if run.has_enrichment
            else []
        ),
        Text(f'  python: unembed.Run.open("{path}").features'),
    )


def _banks(run: Run) -> Table:
    table = Table(
        title="Spread by bank (normal: skewness 0, kurtosis 3)",
        title_justify="left", box=None, pad_edge=False,
    )  # fmt: skip
    table.add_column("bank", style="bold")
    for name in ("features", "flat", "std", "skew 1%", "50%", "99%", "kurt 50%", "99%", "max"):
        table.add_column(name, justify="right")
    for row in banks_at_a_glance(run).iter_rows():
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


def _sides(run: Run) -> Iterator[RenderableType]:
    """Draw how what features read and write agree, where the run has both."""
    if len(run.manifest.sides) == 2 and run.is_explained:
        yield Text("\nWhat features read beside what they write (`unembed sides`)")
        yield sides.by_bank(questions.sides_by_bank(run))


def _exam(run: Run) -> Text:
    """Say how often a label picks its feature out of ten, by bank."""
    rates = [f"{bank['bank']} {_rate(bank)}" for bank in label_exam(run).iter_rows(named=True)]
    return Text(
        f"Labels that pick their feature out of ten of its class (chance {CHANCE:.0%}): "
        f"{', '.join(rates)}"
    )


def _rate(bank: dict[str, Any]) -> str:
    """Say a bank's rate, and which classes are not in it."""
    few = f"too few labelled of {', '.join(bank['too_few'])}" if bank["too_few"] else ""
    if bank["rate"] is None:
        return few or "none labelled"
    asked = f"{bank['rate']:.1%} of {bank['asked']:,}"
    return f"{asked} ({few})" if few else asked


def _enrichment(run: Run, n_pairs: int) -> Iterator[RenderableType]:
    """Draw what was found of token sets, and how far it can be trusted."""
    facts = run.discoveries
    sets = run.tested.token_sets
    yield Text("")
    yield Text.assemble(
        (f"{sets:,} token sets", "bold"),
        f" tested in every feature: {facts['pairs']:,} pairs",
    )
    yield _discoveries(facts)
    yield Text("")
    yield _enriched_banks(run, facts["nulls"])
    yield from _checks(facts["checks"])
    strongest = strongest_sets(run, n_pairs)
    if strongest.height:
        yield Text("")
        yield enrichment.table(strongest, title="Strongest token sets of each bank")


def _discoveries(facts: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("pass at a false discovery rate of")
    for level in LEVELS:
        table.add_column(f"{level:.0%}", justify="right")
    passing, classical, error = (
        facts[name] for name in ("passing", "classical", "classical_error")
    )
    if facts["features"] is not None:
        found = facts["features"]
        table.add_row("features, by their smallest p", *_at_levels(found))
    table.add_row("pairs, by the direction test", *_at_levels(passing))
    if permuted := facts["permuted"]:
        table.add_row("  as many, if tokens changed places", *_at_levels(permuted["pairs"]))
        table.add_row("  in so many features", *_at_levels(permuted["features"]))
    if classical is not None and error is None:
        table.add_row("classical TSEA would claim", *_at_levels(classical))
    elif classical is not None:
        told = [f"{classical[str(level)]:,} ± {error[str(level)]:,}" for level in LEVELS]
        sample = f"classical TSEA would claim, by {facts['classical_features']:,} random features"
        table.add_row(sample, *told)
    return table


def _at_levels(counts: dict[str, int]) -> list[str]:
    return [f"{counts[str(level)]:,}" for level in LEVELS]


_CHECKED = {
    "features": "features by dimensions {measured:.2f}, and should be {limit:g} or more",
    "held out": "{measured:.1%} of directions like features it was not made of are found at 1 %",
    "normal": "its components have kurtosis {measured:.1f} (normal: 3)",
    "dealt": "{measured:.2%} of directions of its components, dealt out anew, are found at 0.1 %",
}


def _checks(checks: dict[str, list[dict[str, Any]]]) -> Iterator[RenderableType]:
    """Say what the test of which bank takes for granted, and should not."""
    failed = [
        f"  {bank}: {_CHECKED[each['name']].format(**each)}"
        for bank, of_bank in checks.items()
        for each in of_bank
        if not each["holds"]
    ]
    if not checks:
        return
    if not failed:
        yield Text("All checks of what the direction test takes for granted hold.")
        return
    yield Text("What the direction test takes for granted does not hold (docs: enrichment):")
    yield from (Text(line, style="yellow") for line in failed)


def _enriched_banks(run: Run, nulls: dict[str, Any]) -> Table:
    max_q = run.tested.max_q
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
