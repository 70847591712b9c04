"""`unembed annotate`: a run's labels in an attribution graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unembed import questions, terminal
from unembed.cli.opened import open_run
from unembed.cli.options import Json, OverwriteFile, RunFolder, several
from unembed.cli.output import aside, console, print_json
from unembed.outside.text import shown

BanksOfLayers = Annotated[
    list[str] | None,
    typer.Option(
        "--bank",
        metavar="[LAYER=]BANK",
        help="Take these banks, not those known to be transcoders; several with commas, or given "
        "more than once.",
    ),
]
Lens = Annotated[
    str | None,
    typer.Option(metavar="LENS", help="Banks read through this lens, not the run's first."),
]


def annotate(
    graph: Annotated[
        Path,
        typer.Argument(metavar="GRAPH.json", help="A graph of circuit-tracer or Neuronpedia."),
    ],
    path: RunFolder,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Where to write it; may be the graph itself, with --overwrite.",
            show_default="GRAPH.labelled.json",
        ),
    ] = None,
    bank: BanksOfLayers = None,
    lens: Lens = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the words that nodes have already.")
    ] = False,
    overwrite: OverwriteFile = False,
    as_json: Json = False,
) -> None:
    """Put labels into an attribution graph: what each node's feature writes.

    Every node whose feature is in the run gets its label as the words that graphs show (`clerp`).
    All else stays as it is, byte for byte. The run is of the transcoders that the graph was made
    with; their banks are found by the layer that they read.

        unembed run 'gemma-scope-2b-pt-transcoders/*' -o runs/gemma

        unembed annotate graphs/dallas.json runs/gemma -o graphs/dallas.json --overwrite

    Where the run does not know that its banks are transcoders, say which layer each reads:

        unembed annotate graph.json runs/mine --bank 5=mine.5,6=mine.6
    """
    if graph.is_dir() and not path.is_dir():  # the run first, as in other commands
        graph, path = path, graph
    target = out or graph.with_suffix(".labelled.json")
    run = open_run(path)
    with aside().status("Reading the graph …"):
        found = questions.circuits.annotate(
            graph, run, target, bank=several(bank) or [], lens=lens, keep=keep,
            overwrite=overwrite,
        )  # fmt: skip
    if as_json:
        print_json({"out": str(target), **found.facts()})
    else:
        console().print(terminal.circuits.draw(found))
        aside().print(f"Wrote {shown(target)}.", soft_wrap=True)
