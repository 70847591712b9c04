"""`unembed export`: a run's features in the files of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unembed import questions
from unembed.cli.annotate import BanksOfLayers, Lens
from unembed.cli.control_vector import control_vector
from unembed.cli.opened import open_run
from unembed.cli.options import RunFolder, several
from unembed.cli.output import aside, stoppable
from unembed.cli.progress import show_progress
from unembed.outside.text import shown

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="A run's features in the files of other tools.",
)


@app.callback()
def _about() -> None:
    """A run's features in the files of other tools."""


app.command("control-vector")(control_vector)


@app.command("circuit-tracer")
def circuit_tracer(
    path: RunFolder,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FOLDER", help="A new folder for the files."),
    ],
    graph: Annotated[
        Path | None,
        typer.Option(metavar="GRAPH.json", help="Only the features of this graph."),
    ] = None,
    packed: Annotated[
        bool,
        typer.Option(
            "--packed", help="One file a layer with an index, as transcoders' repositories have."
        ),
    ] = False,
    bank: BanksOfLayers = None,
    lens: Lens = None,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens of either end.")] = 10,
    placeholders: Annotated[
        bool,
        typer.Option(
            "--placeholders",
            help="Write the fields about activations, too, empty: for readers that ask for them.",
        ),
    ] = False,
) -> None:
    """Write feature files that circuit-tracer's page shows for the nodes of a graph.

    Each has the label and the tokens at both ends; there are no examples, since a run knows no
    text. One file a feature, in a folder below that of the graphs, to which their `scan` leads:

        unembed export circuit-tracer runs/clt -o graphs/features --graph graphs/dallas.json

        create_graph_files(graph, "dallas", "graphs", scan="./data/features")    # in Python

        circuit-tracer start-server --graph_file_dir graphs

    Or all features, to be put into the folder `features` of the transcoders' own repository:

        unembed export circuit-tracer runs/clt -o features --packed
    """
    run = open_run(path)
    circuits = questions.circuits
    read = None if graph is None else circuits.read_graph(graph)
    placing = circuits.place_banks(
        run, chosen=several(bank) or [], lens=lens, transcoders=read.transcoders if read else (),
    )  # fmt: skip
    with stoppable("Stopped; nothing was written.", "yellow"), show_progress(aside()) as progress:
        count = circuits.write_feature_files(
            run, out, placing, packed=packed, progress=progress,
            only=None if read is None else circuits.features_of(read), tokens=tokens,
            placeholders=placeholders,
        )  # fmt: skip
    files = f"{len(placing.banks)} files and an index" if packed else f"{count:,} files"
    aside().print(f"Wrote {count:,} features in {files} to {shown(out)}.", soft_wrap=True)
