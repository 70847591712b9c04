"""`unembed publish`: a run on the Hugging Face hub, for others to open where it lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from unembed import publishing
from unembed.cli.opened import open_run
from unembed.cli.options import Json, RunFolder
from unembed.cli.output import aside, console, print_json, print_line, stoppable
from unembed.cli.progress import show_progress
from unembed.disk import told
from unembed.errors import UnembedError
from unembed.numerals import megabytes
from unembed.outside.text import shown

if TYPE_CHECKING:
    from unembed.publishing import Parcel

_MOST_CHANGES = 12
_LARGE = 100_000
"""Bytes that are no longer told in kB."""
_LONGEST_NOTE = 1 << 20


def publish(
    path: RunFolder,
    place: Annotated[
        str,
        typer.Argument(
            metavar="hf:ORG/NAME",
            help="Where to: a data set on the hub, with @BRANCH and /FOLDER behind it if meant.",
        ),
    ],
    private: Annotated[
        bool,
        typer.Option(
            "--private", help="If the repository is new; else as the account's settings have it."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Make and list all that would be sent, and send nothing."),
    ] = False,
    title: Annotated[str | None, typer.Option(help="The title of its page.")] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--licence", "--license", metavar="ID",
            help="Under which terms, as the hub names them: cc-by-4.0. None is said unless given.",
        ),
    ] = None,
    note: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="What to say of it on its page.")
    ] = None,
    message: Annotated[str | None, typer.Option(help="Of the commit.")] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="HF_TOKEN", show_envvar=False,
            help="Of the hub, unless HF_TOKEN or `hf auth login` says it.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Publish a run as a data set on the Hugging Face hub, for others to open where it lies.

    Look first at what would be sent, and what is changed in it:

        unembed publish runs/demo hf:me/smollm2-features --dry-run
        unembed publish runs/demo hf:me/smollm2-features --private

    Anyone who may read it opens it without downloading it; only what is looked at is fetched:

        unembed explore hf:me/smollm2-features
        unembed show hf:me/smollm2-features mlp.26/1329

    Never sent are weights; and folders of this machine, which a run remembers its weights by, are
    replaced by their last part. The page shows the tables in the hub's viewer, says what the run
    was made of, and has pictures of it. Stopped, the same command goes on.
    """
    run, about = open_run(path, place), publishing.About(title, licence, _note(note))
    stop = stoppable("Stopped. What has arrived is kept; the same command goes on.", "yellow")
    with (
        stop,
        show_progress(aside()) as progress,
        publishing.pack(run, place, about, progress) as parcel,
    ):
        facts = _facts(parcel)
        if not dry_run:
            facts["address"] = publishing.publish(
                parcel, private=private or None, token=token, message=message, progress=progress
            )
    if as_json:
        print_json(facts)
        return
    _say(facts, dry_run)


def _note(path: Path | None) -> str | None:
    if path is None:
        return None
    with told(path, "cannot be read", UnembedError):
        raw = path.read_bytes()
    if len(raw) > _LONGEST_NOTE:
        raise UnembedError(f"{path} has {len(raw):,} bytes; a note may have {_LONGEST_NOTE:,}.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnembedError(f"{path} is no text in UTF-8: {error}.") from error


def _facts(parcel: Parcel) -> dict[str, object]:
    return {
        "place": parcel.place,
        "bytes": parcel.size,
        "files": parcel.sizes,
        "changes": [change._asdict() for change in parcel.changes],
    }


def _say(facts: dict[str, object], dry_run: bool) -> None:
    files, changes = facts["files"], facts["changes"]
    assert isinstance(files, dict)
    assert isinstance(changes, list)
    if dry_run:
        console().print(_listed(files))
    remarks = aside()
    if changes:
        remarks.print("Places on this machine, which go out otherwise:", style="bold")
        for change in changes[:_MOST_CHANGES]:
            said = f"  {shown(change['where'])}: {shown(change['old'])} → {shown(change['new'])}"
            remarks.print(said, soft_wrap=True)
        if len(changes) > _MOST_CHANGES:
            remarks.print(f"  and {len(changes) - _MOST_CHANGES:,} more (--json lists all)")
    size, place = megabytes(int(str(facts["bytes"]))), str(facts["place"])
    if dry_run:
        remarks.print(
            f"{len(files):,} files, {size}, would be sent to {shown(place)}. Nothing was sent.",
            soft_wrap=True,
        )
    else:
        remarks.print(
            f"Published {len(files):,} files, {size}. At this very commit:", soft_wrap=True
        )
        print_line(str(facts["address"]))


def _size(size: int) -> str:
    return f"{size / 1000:,.0f} kB" if size < _LARGE else megabytes(size)


def _listed(files: dict[str, int]) -> Table:
    """Return a table of folders and single files with their sizes."""
    table = Table("file", "files", "size", box=None, pad_edge=False)
    table.columns[1].justify = table.columns[2].justify = "right"
    groups: dict[str, list[int]] = {}
    for path, size in files.items():
        above, slash, _ = path.rpartition("/")
        groups.setdefault(f"{above}{slash}…" if slash else path, []).append(size)
    for name, sizes in groups.items():
        table.add_row(Text(shown(name)), f"{len(sizes):,}", _size(sum(sizes)))
    return table
