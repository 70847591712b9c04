"""One feature: statistics, tokens at both ends, its histogram, its token sets."""

from __future__ import annotations

from typing import Any

import polars as pl
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.explanation.names import verbs_of
from unembed.numerals import number
from unembed.outside.text import quoted, shown
from unembed.questions.features import STATISTICS
from unembed.questions.pairs import log10_of
from unembed.terminal import enrichment, histogram, neuronpedia, steering, tails

_MAX_Q = 0.05
NOT_FOLDED = "with W_U as the model has it: the final norm is not folded in"


def draw(feature: dict[str, Any], *, n_tokens: int = 10, n_sets: int = 10) -> Group:
    """Return a feature, drawn for the terminal.

    Args:
        feature: as `questions.feature_facts` returns it.
        n_tokens: how many tokens of either end.
        n_sets: how many token sets.
    """
    heading = Text(feature["feature"], style="bold")
    for detail in (feature["model"], feature["hook"], feature["neuronpedia"]):
        if detail:
            heading.append(f"  {shown(detail)}", style="dim")
    if feature["reads"]:
        heading.append(f"\n{shown(_reading(feature['reads']))}", style="dim")
    if feature["steps"]:
        way = "reads" if feature["reads"] else "reaches"
        rows = "its row" if feature["reads"] else "W_dec"
        steps = f"as it {way} the residual stream: {rows} {' '.join(feature['steps'])}"
        heading.append(f"\n{shown(steps)}", style="dim")
    if not feature["folded"]:
        heading.append(f"\n{NOT_FOLDED}", style="dim")
    if feature["through"]:
        heading.append(f"\n{shown(_through(feature['through']))}", style="dim")
    if not feature["top"]:
        flat = "Its decoder row is zero, or no token's row sees it: it writes nothing."
        if feature["reads"]:
            flat = "What it reads with is zero, or no token's row meets it: it reads nothing."
        return Group(heading, Text(flat))
    said = [Text(f"{feature['class']}: {shown(feature['label'])}")] if feature["class"] else []
    if feature["collision"]:
        said.append(Text(shown(feature["collision"]["apart"]), style="dim"))
    for other in feature["other_lenses"]:
        what = f"{other['class']}: {other['label']}" if other["class"] else other["feature"]
        said.append(Text(shown(f"{_seen_by(other)}, {what}"), style="dim"))
    said += [Text(_agreement(each), style="dim") for each in feature["sides"]]
    said += neuronpedia.beside(feature["beside"])
    outermost = {end: [each["token"] for each in feature[end]] for end in ("top", "bottom")}
    return Group(
        heading,
        *said,
        *tails.shortest(feature, outermost),
        _statistics(feature),
        Text(""),
        histogram.draw(feature["histogram"]),
        Text("tokens (log scale) by z, the weight in standard deviations", style="dim"),
        Text(""),
        _tokens(feature, n_tokens),
        *_drawn_sets(feature, n_sets),
        *_steered(feature),
    )


def _reading(reads: dict[str, Any]) -> str:
    """Say of which part of the feature its tokens are, and what must be known of it."""
    return " ".join(
        [f"what its {reads['part']} reads, held against the embedding.", *reads["notes"]]
    )


def _agreement(sides: dict[str, Any]) -> str:
    """Say how far what the feature reads and what it writes agree."""
    if sides["correlation"] is None:
        return f"{sides['part']}: a side of it is flat"
    both = f"; both are about {shown(sides['shared'])}" if sides["shared"] else ""
    return (
        f"{sides['kind']}: over token sets what its {sides['part']} reads and what it writes "
        f"({sides['lens']} lens) correlate by {sides['correlation']:+.2f}, {sides['z']:+.1f} "
        f"standard deviations from pairs of different features{both}"
    )


def _seen_by(other: dict[str, Any]) -> str:
    """Say what the same feature is elsewhere in the run: through a lens, or what of it reads."""
    if other["part"]:
        return f"what it reads ({other['part']})"
    return f"through the {other['lens']} lens"


def _through(lens: dict[str, Any]) -> str:
    """Say by what lens the feature is taken to the last layer, and what must be known of it."""
    of = "the embedding" if lens["layer"] < 0 else f"the output of block {lens['layer']}"
    prompts = f", {lens['n_prompts']:,} prompts" if lens["n_prompts"] else ""
    return " ".join(
        [f"taken to the last layer by the {lens['kind']} lens of {of}{prompts}.", *lens["notes"]]
    )


def _drawn_sets(feature: dict[str, Any], n_sets: int) -> list[RenderableType]:
    if not feature["token_sets"]:
        return []
    found = pl.DataFrame(feature["token_sets"], infer_schema_length=None)
    passing = found.filter(pl.col("log10_q") <= log10_of(_MAX_Q))
    some = passing if passing.height else found.head(3)
    title = (
        "Token sets that it moves most (direction test)"
        if passing.height
        else f"No token set passes at a false discovery rate of {_MAX_Q:.0%}; the nearest"
    )
    return [Text(""), enrichment.table(some.head(n_sets), title=title, feature=False)]


def _steered(feature: dict[str, Any]) -> list[RenderableType]:
    """Draw what it did when it was added to the model, where that was tried."""
    if not feature["steering"]:
        return []
    return [Text(""), Text("Steered", style="italic"), *steering.facts(feature["steering"])]


def _statistics(feature: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    names = STATISTICS[1:]
    for name in names:
        table.add_column(name, justify="right", header_style="dim")
    table.add_row(*(number(feature[name], 3) for name in names))
    ranks = feature["percentiles"]
    table.add_row(*(f"p{ranks[name]:.1f}" if name in ranks else "" for name in names), style="dim")
    return table


def _tokens(feature: dict[str, Any], n_tokens: int) -> Table:
    table = Table(box=None, pad_edge=False)
    verbs = verbs_of(reads=feature["reads"] is not None)
    of_weights = (
        "cosine" if feature["lens"] == "cosine" else "weight" if feature["reads"] else "logit"
    )
    for (verb, _), style in ((verbs[1], "green"), (verbs[-1], "red")):
        table.add_column(verb, style=style, min_width=24)
        table.add_column(of_weights, justify="right")
        table.add_column("z", justify="right")
    for top, bottom in zip(feature["top"][:n_tokens], feature["bottom"][:n_tokens], strict=True):
        cells: list[Text | str] = []
        for entry in (top, bottom):
            weight = entry["weight"]
            z = (weight - feature["mean"]) / feature["std"]
            cells += [Text(quoted(entry["token"])), number(weight, 3), f"{z:+.1f}"]
        table.add_row(*cells)
    return table
