"""`unembed report`: the explorer as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from unembed.cli.options import RunFolder
from unembed.errors import QueryError
from unembed.store import Run


def report(
    path: RunFolder,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FOLDER|FILE.html", help="Where to write it."),
    ],
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--feature", metavar="FEATURE", help="bank/index; may be given several times."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Features to show, where none is named.")] = 100,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another report in the folder.")
    ] = False,
) -> None:
    """Write the explorer as files, to send or to publish.

    A folder, for any plain web server: the overview of the whole run, and the features worth
    showing, with all their logit weights and token sets.

        unembed report runs/demo -o site
        python -m http.server --directory site

    Or one file with one feature, for a colleague:

        unembed report runs/demo --feature mlp.20/1036 -o reflexive.html
    """
    run, console = Run.open(path), Console(stderr=True)
    try:
        _write(run, out, features or [], limit, overwrite, console)
    except KeyboardInterrupt:
        console.print("Stopped; nothing was written.", style="yellow")
        raise typer.Exit(130) from None
    console.print(f"Wrote {out}.", soft_wrap=True)


def _write(
    run: Run, out: Path, features: list[str], limit: int, overwrite: bool, console: Console
) -> None:
    from unembed.explorer.report import worth_showing, write_feature, write_site

    if out.suffix == ".html":
        if len(features) != 1:
            raise QueryError(
                f"One file, {out}, shows one feature: name it with --feature bank/index. For more, "
                "give a folder."
            )
        with console.status("Reading the weights …"):
            write_feature(run, out, features[0])
    else:
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task("Writing the report", total=None)
            write_site(
                run, out, features or worth_showing(run, limit), overwrite=overwrite,
                progress=lambda done, of: bar.update(task, completed=done, total=of),
            )  # fmt: skip
