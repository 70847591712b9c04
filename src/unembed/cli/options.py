"""Arguments and options that several commands share, and what a shell may complete them to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from unembed.cli.completion import (
    complete_bank,
    complete_class,
    complete_family,
    complete_feature,
    complete_set,
)
from unembed.explanation import CLASSES

RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder, or a published run, hf:org/name.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
Feature = Annotated[
    str,
    typer.Argument(metavar="FEATURE", help="bank/index.", autocompletion=complete_feature),
]
Features = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FEATURE", help="Features: bank/index.", autocompletion=complete_feature
    ),
]
FeatureOption = Annotated[
    list[str] | None,
    typer.Option(
        "--feature",
        metavar="FEATURE",
        help="Features likewise: bank/index; several with commas, or given more than once.",
        autocompletion=complete_feature,
    ),
]
Banks = Annotated[
    list[str] | None,
    typer.Option(
        "--bank",
        metavar="BANK",
        help="Only this bank; several with commas, or given more than once.",
        autocompletion=complete_bank,
    ),
]
Family = Annotated[
    list[str] | None,
    typer.Option(
        "--family",
        metavar="FAMILY",
        help="Only this family of sets, such as grammar; several with commas, or given more than "
        "once.",
        autocompletion=complete_family,
    ),
]
SetName = Annotated[
    str,
    typer.Argument(metavar="SET", help="A token set's name or alias.", autocompletion=complete_set),
]
SetOption = Annotated[
    str | None,
    typer.Option(
        "--set",
        metavar="SET",
        help="Only this token set, by name or alias.",
        autocompletion=complete_set,
    ),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="CLASS",
        help=f"Only features of this class: {', '.join(CLASSES)}; several with commas, or given "
        "more than once.",
        autocompletion=complete_class,
    ),
]
Sign = Annotated[
    Literal["+", "-"] | None,
    typer.Option(help="Only what promotes (`+`), or what suppresses (`-`)."),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="SQL",
        help="A condition, such as \"kurtosis > 10 and label like '%months%'\".",
    ),
]
Limit = Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")]
Sets = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Collections and files: default, post, sounds, nltk, mine.yaml; several with commas.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        help="A torch device: cpu, cuda, cuda:1 …; auto is cuda where torch sees such a GPU, and "
        "else cpu."
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Throw away the files of another run in the folder first, and no others.",
    ),
]
OverwriteFile = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]
NeuronpediaIds = Annotated[
    list[str] | None,
    typer.Option(
        "--neuronpedia",
        metavar="BANK=MODEL/SOURCE",
        help="What a bank is called on Neuronpedia, if the run does not know; may be given more "
        "than once. MODEL/SOURCE is enough where there is one bank.",
    ),
]


def several(*given: Sequence[str] | str | None) -> list[str] | None:
    """Return what was named, with commas between or given more than once; None for nothing.

    >>> several(["a,b", "c"], None), several(None)
    (['a', 'b', 'c'], None)
    """
    found = [part for each in given for part in _parts(each)]
    return list(dict.fromkeys(found)) or None


def _parts(given: Sequence[str] | str | None) -> Iterator[str]:
    texts: Iterable[str] = [given] if isinstance(given, str) else given or ()
    for text in texts:
        yield from (part.strip() for part in text.split(",") if part.strip())


def one_format(as_json: bool, as_csv: bool) -> None:
    """Check that not both `--json` and `--csv` were asked for.

    Raises:
        typer.BadParameter: when they were.
    """
    if as_json and as_csv:
        raise typer.BadParameter("Choose one of --json and --csv.")
