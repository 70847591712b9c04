"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
Sets = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Collections and files: default, post, nltk, mine.yaml; several with commas.",
    ),
]
Family = Annotated[
    str | None, typer.Option(help="Only these families, such as grammar or time,names.")
]
NeuronpediaIds = Annotated[
    list[str] | None,
    typer.Option(
        "--neuronpedia",
        metavar="BANK=MODEL/SOURCE",
        help="What a bank is called on Neuronpedia, if the run does not know; may be given more "
        "than once. MODEL/SOURCE is enough where there is one bank.",
    ),
]


def families_of(family: str | None) -> list[str] | None:
    """Return the families that `--family` names, with commas between them; None for all."""
    return None if family is None else [part.strip() for part in family.split(",")]


def one_format(as_json: bool, as_csv: bool) -> None:
    """Check that not both `--json` and `--csv` were asked for.

    Raises:
        typer.BadParameter: when they were.
    """
    if as_json and as_csv:
        raise typer.BadParameter("Choose one of --json and --csv.")
