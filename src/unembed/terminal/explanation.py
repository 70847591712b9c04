"""The case for one feature's class and label: evidence, and what was rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.numerals import number, power
from unembed.outside.text import quoted, shown
from unembed.terminal import neuronpedia, steering, tails
from unembed.terminal import running_sum as curve
from unembed.terminal.text import LONGEST_NAME, longest

if TYPE_CHECKING:
    from unembed.enrichment.running_sum import RunningSum


def draw(
    facts: dict[str, Any], running: RunningSum | None = None, missing: str | None = None
) -> Group:
    """Return the case, drawn for the terminal.

    Args:
        facts: as `questions.explanation_facts` returns them, and `leading_edge` where it was read.
        running: the running sum of the first part.
        missing: why there is none, where its weights could not be read.
    """
    drawn: list[RenderableType] = [
        Text.assemble((facts["feature"], "bold"), "  ", (shown(facts["label"]), "bold green")),
        *([Text(shown(facts["collision"]["apart"]))] if facts["collision"] else []),
        *neuronpedia.beside(facts["beside"]),
        Text(_class(facts)),
    ]
    if facts["parts"]:
        drawn += [Text(_covers(facts)), Text(""), _parts(facts)]
        drawn += _curve(facts, running, missing)
    outermost = {end: facts[f"{end}_tokens"] or [] for end in ("top", "bottom")}
    drawn += [*tails.own_words(facts), *tails.shortest(facts, outermost)]
    drawn += [Text(""), *(_tokens(facts, end) for end in ("top", "bottom"))]
    if facts["rejected"]:
        drawn += [Text(""), _rejected(facts)]
    if facts["steering"]:
        steered = steering.facts(facts["steering"])
        drawn += [Text(""), Text("Steered", style="italic"), *steered]
    return Group(*drawn)


def _class(facts: dict[str, Any]) -> str:
    """Say which measured values and cut-offs led to the class."""
    share = f"{facts['settings']['envelope']:.3%}".replace(".000", "")
    measured = {
        "flat": "its decoder row is zero, or no token's row sees it",
        "dead": f"log10 density {number(facts['log10_density'])}, below "
        f"{facts['settings']['dead_below']}",
    }.get(facts["class"])
    if measured is None:
        sides = (
            f"{side} tail {number(facts[f'{side}_tail'])} "
            f"({'above' if facts[f'{side}_tail'] > facts[f'{side}_tail_above'] else 'within'} "
            f"{number(facts[f'{side}_tail_above'])})"
            for side in ("left", "right")
        )
        measured = f"{', '.join(sides)}: kurtosis of each side, {share} of random directions within"
    if facts["partition_set"]:
        measured += (
            f"; {shown(facts['partition_set'])} explains {facts['partition_r2']:.0%} of the "
            f"variance (a partition needs {facts['settings']['split_variance']:.0%})"
        )
    return f"{facts['class']}: {measured}"


def _covers(facts: dict[str, Any]) -> str:
    covered = [
        f"{facts[f'covered_{end}']:.0%} of the {facts['outermost']} {end} tokens"
        for end in ("top", "bottom")
        if facts[f"covered_{end}"] is not None
    ]
    return (
        f"explains {' and '.join(covered)}, {facts['variance_explained']:.1%} of the variance; "
        f"kurtosis {number(facts['kurtosis'])} becomes {number(facts['kurtosis_left'])}"
    )


def _parts(facts: dict[str, Any]) -> Table:
    table = Table(title="Named", title_justify="left", box=None, pad_edge=False)
    names = [part["token_set"] for part in facts["parts"]]
    table.add_column(
        "token set", style="bold", min_width=min(LONGEST_NAME, longest(names)), overflow="fold"
    )
    for name in (
        *("tokens", "z", "q", "z without the strongest"),
        *("z given the others", "p given the others", "ES", "AUROC"),
    ):
        table.add_column(name, justify="right", max_width=10 if " " in name else None)
    for part in facts["parts"]:
        table.add_row(
            shown(part["token_set"]), f"{part['size']:,}", f"{part['z']:+.1f}",
            power(part["log10_q"]), _without(part),
            f"{part['partial_z']:+.1f}", power(part["given_the_others_log10_p"]),
            number(part["es"]), number(part["auroc"], 3),
        )  # fmt: skip
    return table


def _without(part: dict[str, Any]) -> str:
    """Say what is left of z without the strongest member, with a mark where that is too little."""
    if part["z_without_one"] is None:
        return number(None)
    rests = {None: "", 1: " (one token)", 2: " (two tokens)"}[part["rests_on"]]
    return f"{part['z_without_one']:+.1f}{rests}"


def _curve(
    facts: dict[str, Any], running: RunningSum | None, missing: str | None
) -> list[RenderableType]:
    if running is None:
        return [Text(""), Text(missing, style="dim")] if missing else []
    edge = facts["leading_edge"]
    name = shown(facts["parts"][0]["token_set"])
    tokens = edge["tokens"]
    return [
        Text(""),
        Text(
            f"Running sum of {name}: ES {edge['es']:+.3f} after {edge['peak']:,} tokens",
            style="italic",
        ),
        curve.draw(running.places, running.heights),
        Text(
            f"leading edge ({len(tokens):,} of {edge['size']:,}): "
            f"{' '.join(map(quoted, tokens))}", no_wrap=True,
            overflow="ellipsis", style="green" if edge["es"] > 0 else "red",
        ),
    ]  # fmt: skip


def _tokens(facts: dict[str, Any], end: str) -> Text:
    some = " ".join(quoted(text) for text in (facts[f"{end}_tokens"] or [])[:15])
    style = "green" if end == "top" else "red"
    return Text(f"{end:>6}: {some}", no_wrap=True, overflow="ellipsis", style=style)


_WHY = {
    "chance": "expected by chance, among all sets and features",
    "slight": "few of the outermost tokens, little of the variance",
    "near-duplicate": "says the same as {by}",
    "covered": "it tells nothing more of the outermost tokens",
    "rival": "a named set, which tells more, would not stand beside it",
    "explained": "nothing significant is left, {by} given",
    "beyond the parts": "it adds something, but tells less than what is named, or was tried",
}


def _rejected(facts: dict[str, Any]) -> Table:
    table = Table(
        title="Significant, but not named", title_justify="left", box=None, pad_edge=False
    )
    names = [each["token_set"] for each in facts["rejected"]]
    table.add_column("token set", min_width=min(LONGEST_NAME, longest(names)))
    for name in ("tokens", "z", "z that is left"):
        table.add_column(name, justify="right")
    table.add_column("why not", style="dim")
    for each in facts["rejected"]:
        why = _WHY[each["reason"]]
        table.add_row(
            shown(each["token_set"]), f"{each['size']:,}", f"{each['z']:+.1f}",
            f"{each['partial_z']:+.1f}", why.format(by=shown(each["by"])),
        )  # fmt: skip
    return table
