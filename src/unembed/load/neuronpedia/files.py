"""Exports that a person has: single files, a folder of a source, or a copy of the whole bucket."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from unembed.errors import SourceError
from unembed.load.neuronpedia.gathered import KINDS, Gathered, Kind
from unembed.load.neuronpedia.lines import objects_in
from unembed.load.neuronpedia.records import Whose, records_of
from unembed.outside import limits
from unembed.progress import Report

_BATCH = re.compile(r"batch-(\d{1,9})\.jsonl?(?:\.gz)?", re.ASCII)


class FromFiles:
    """Files and folders that are read in the place of the site.

    Args:
        places: files of any name, or folders: one that holds `explanations`, `features` and
            `activations`, or `batch-N.json` of SAEDashboard, or `MODEL/SOURCE` of a copy of the
            exports, with or without their `v1`.
    """

    def __init__(self, places: Sequence[Path]) -> None:
        self.places = places

    def gather(
        self, gathered: Gathered, whose: Whose, kinds: Collection[Kind], report: Report
    ) -> None:
        """Read all of them into what is gathered.

        Raises:
            SourceError: when there is no such file, or none in a folder.
            FormatError: when one cannot be understood, or is of other features.
        """
        files = [file for place in self.places for file in _files(place, whose.source, kinds)]
        for done, file in enumerate(files):
            report(done, len(files))
            for where, found in objects_in(file):
                for record in records_of(found, where, whose):
                    gathered.add(record)
        report(len(files), len(files))


def _files(place: Path, source: str | None, kinds: Collection[Kind]) -> Iterator[Path]:
    if not place.exists():
        raise SourceError(
            f"There is no file or folder {place}. Name batch files of an export, or the folder "
            "that they are in."
        )
    if not place.is_dir():
        yield place
        return
    inside = [folder for folder in (source, source and f"v1/{source}") if folder]
    roots = [place / each for each in inside if (place / each).is_dir()] or [place]
    found = [
        file for root in roots for folder in _folders(root, kinds) for file in _batches(folder)
    ]
    if not found:
        raise SourceError(
            f"{place} holds no batch-N.jsonl.gz of an export, in {', '.join(KINDS)}"
            f"{f' or {source}' if source else ''}, and no batch-N.json of SAEDashboard. Name the "
            "folder that they are in, or the files themselves."
        )
    yield from found


def _folders(root: Path, kinds: Collection[Kind]) -> list[Path]:
    """Return the folders of an export: some sources have several of explanations."""
    named = [each for each in sorted(root.iterdir()) if each.is_dir() and _kind(each) in kinds]
    return [root, *named]


def _kind(folder: Path) -> str:
    return "explanations" if folder.name.startswith("explanations-") else folder.name


def _batches(folder: Path) -> list[Path]:
    found = [
        (int(match[1]), each)
        for each in folder.iterdir()
        if (match := _BATCH.fullmatch(each.name)) and each.is_file()
    ]
    return [each for _, each in sorted(found)][: limits.EXPORT_FILES]
