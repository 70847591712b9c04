"""`unembed report`: the explorer as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unembed import explorer
from unembed.cli.opened import open_run
from unembed.cli.options import FeatureOption, Features, RunFolder, several
from unembed.cli.output import aside, stoppable
from unembed.cli.progress import show_progress
from unembed.errors import QueryError
from unembed.outside.text import shown

if TYPE_CHECKING:
    from rich.console import Console

    from unembed import Run


def report(
    path: RunFolder,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FOLDER|FILE.html", help="Where to write it."),
    ],
    features: Features = None,
    feature: FeatureOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Features to show, where none is named.")] = 100,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace the files of another report in the folder, and no others."
        ),
    ] = False,
) -> None:
    """Write the explorer as files, to send or to publish.

    A folder, for any plain web server: the overview of the whole run, and the features worth
    showing, with all their logit weights and token sets.

        unembed report runs/demo -o site
        python -m http.server --directory site

    Or one file with one feature, for a colleague:

        unembed report runs/demo mlp.20/1036 -o reflexive.html
    """
    named = several(features, feature) or []
    run, console = open_run(path, *named), aside()
    with stoppable("Stopped; nothing was written.", "yellow"):
        _write(run, out, named, limit, overwrite, console)
    console.print(f"Wrote {shown(out)}.", soft_wrap=True)


def _write(
    run: Run, out: Path, features: list[str], limit: int, overwrite: bool, console: Console
) -> None:
    if out.suffix == ".html":
        if len(features) != 1:
            raise QueryError(
                f"One file, {out}, shows one feature: name it, as bank/index. For more, "
                "give a folder."
            )
        with console.status("Reading the weights …"):
            explorer.write_feature(run, out, features[0])
    else:
        with show_progress(console) as progress:
            shown = features or explorer.worth_showing(run, limit)
            explorer.write_site(run, out, shown, overwrite=overwrite, progress=progress)
