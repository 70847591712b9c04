"""Write what each lens sees by depth, and what is true of it, into `docs/lenses.md`.

    python -m scripts.document_lenses MODEL LENS [LAYERS] --checked RUN

MODEL is the GGUF file that the demo was made from, LENS a Jacobian lens of its layers, RUN the
demo's run, checked by `unembed lens check RUN`; where LAYERS is "", its table alone is written.
Every layer's neurons, and as many random directions like them, are read through the logit lens and
through J; the latter as banks beside the neurons, against the same random directions as these.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

import unembed
from scripts.marked import replaced
from unembed import EnrichmentSettings, Features, Run, SecondMoment
from unembed.load import load_lens, through_lenses
from unembed.numerals import number
from unembed.questions.lens_truth import lens_check
from unembed.questions.lenses import compare_lenses

PAGE = Path(__file__).parents[1] / "docs" / "lenses.md"
EVERY = "0,2,4,6,8,10,12,14,16,18,20,22,24,26,28"


def run_of_layer(layer: int, model: str, lens: str, folder: Path, sets: unembed.TokenSets) -> Run:
    """Return the run of a layer's neurons, and of random directions among them, by both lenses."""
    opened = unembed.load_model(model)
    unembedding = unembed.load_unembedding(opened)
    (neurons,) = unembed.load_features(f"mlp:{layer}", model=opened)
    drawn = SecondMoment.of(neurons).draw(len(neurons), 7)
    random = Features.from_array(drawn, name=f"random.{layer}", layer=layer, hook=neurons.hook)
    banks = through_lenses([neurons, random], ["logit", lens], model=opened)
    return unembed.analyze(
        unembedding, banks, folder, token_sets=sets, enrichment=EnrichmentSettings(tsea="none")
    )


def by_depth(layers: list[int], model: str, lens: str) -> Iterator[str]:
    """Yield the lines of the table of what each lens sees."""
    sets = unembed.build_token_sets(unembed.load_vocabulary(model))
    stability = load_lens(lens, model=model).stability
    yield (
        "| layer | logit lens: shaped | labelled | Jacobian lens: shaped | labelled "
        "| random directions: shaped, logit and Jacobian | labelled | top ten, by halves |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for layer in layers:
        with tempfile.TemporaryDirectory() as folder:
            run = run_of_layer(layer, model, lens, Path(folder) / "run", sets)
            rows = {row["bank"]: row for row in compare_lenses(run).iter_rows(named=True)}
        own, through, random, both = (
            rows[f"{name}.{layer}{ending}"]
            for name in ("mlp", "random")
            for ending in ("", ".jacobian")
        )
        stable = stability.get(layer, {}).get("top10")
        cells = (
            own["shaped"], own["labelled"], through["shaped"], through["labelled"],
            f"{random['shaped']}, {both['shaped']}", f"{random['labelled']}, {both['labelled']}",
            "–" if stable is None else f"{stable:.0%}".replace("%", " %"),
        )  # fmt: skip
        yield f"| {layer} | {' | '.join(map(str, cells))} |"
        print(layer, cells, flush=True)


def causal(run: Run) -> Iterator[str]:
    """Yield the lines of the table of correlations with what features do."""
    found = lens_check(run)
    if found is None:
        raise typer.BadParameter(f"{run.path} was not checked: unembed lens check {run.path}")
    yield "| written by | lens | features | quartiles | chance, 95 % of it | random directions | |"
    yield "|---|---|---|---|---|---|---|"
    before = None
    for row in found.iter_rows(named=True):
        written = "" if row["written"] == before else row["written"]
        before = row["written"]
        quartiles = f"{row['quarter']:.2f} to {row['three_quarters']:.2f}"
        chance = f"{number(row['chance'])}, {number(row['chance_high'])}"
        cells = (
            written, row["lens"], f"**{row['correlation']:.2f}**", quartiles, chance,
            f"{row['random']:.2f}", "" if row["is_true"] else "untrue",
        )  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def main(
    model: str,
    lens: str,
    layers: str = EVERY,
    checked: Annotated[
        Path | None, typer.Option(metavar="RUN", help="A run that `unembed lens check` checked.")
    ] = None,
) -> None:
    """Write the tables."""
    parts = {}
    if layers:
        lines = by_depth([int(layer) for layer in layers.split(",")], model, lens)
        parts["depth"] = "\n".join(lines)
    if checked is not None:
        parts["causal"] = "\n".join(causal(Run.open(checked)))
    page = PAGE.read_text(encoding="utf-8")  # now, for the tables take minutes
    for name, table in parts.items():
        page = replaced(page, name, table)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
