"""What a published run has beside its own files, so that a little of it can be looked at alone.

```text
published/pieces.parquet                  of every other file: size, and hashes of its pieces
published/strongest/BANK-00000.parquet    the sets that each feature moves most, significant or not
published/collisions/BANK-00000.parquet   what sets each feature apart from others of its label
published/overview.json                   what the explorer says first
```

Each says nothing that the run does not say: it is what would take all of the run's arrays to tell.
Where one is missing, or was made by another version, the run itself is asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from unembed.distant import HASH_BYTES, PIECE, Known, file_at, folder_at
from unembed.errors import FormatError, RunError
from unembed.outside.documents import parse_json
from unembed.outside.fields import is_inside
from unembed.parquet import read_parquet, said_of, write_parquet
from unembed.store.manifest import MANIFEST, Manifest
from unembed.store.shards import ROWS_IN_GROUP, rows_of_shards
from unembed.store.stamp import RUN, TABLE
from unembed.version import __version__

FOLDER = "published"
PIECES = f"{FOLDER}/pieces.parquet"
OVERVIEW = f"{FOLDER}/overview.json"
MOST_STRONGEST = 48
"""Sets that are kept of each feature."""
MOST_PIECES_BYTES = 256 * 2**20
"""Of the table of pieces: that of a run of 500 GB."""

STRONGEST_COLUMNS: dict[str, pl.DataType] = {
    "token_set": pl.List(pl.Int32()),
    "z": pl.List(pl.Float32()),
    "log10_p": pl.List(pl.Float32()),
}
"""Columns of `published/strongest`: lists of one length, the largest |z| first."""
COLLISION_COLUMNS: dict[str, pl.DataType] = {
    "feature": pl.String(),
    "writes": pl.String(),
    "carriers": pl.Int64(),
    "apart": pl.String(),
    "differs": pl.String(),
    "what": pl.String(),
    "sign": pl.String(),
    "z": pl.Float64(),
    "z_of_nearest": pl.Float64(),
    "sharing": pl.Int64(),
    "nearest": pl.List(pl.String()),
    "nearness": pl.List(pl.Float64()),
    "by": pl.String(),
}
"""Columns of `published/collisions` (`questions.same_label`); null of a feature without a label."""
PIECES_COLUMNS: dict[str, pl.DataType] = {
    "file": pl.String(), "size": pl.Int64(), "hashes": pl.Binary(),
}  # fmt: skip


def strongest_path(features_path: str) -> str:
    """Return the file that belongs to a shard of features."""
    return f"{FOLDER}/strongest/{Path(features_path).name}"


def collisions_path(features_path: str) -> str:
    """Return the file that belongs to a shard of features."""
    return f"{FOLDER}/collisions/{Path(features_path).name}"


def row_published(
    folder: Path, manifest: Manifest, row: int, path_of: Any, columns: Sequence[str]
) -> dict[str, Any] | None:
    """Return one feature's row of what is published beside a run; None where nothing is.

    Args:
        folder: that stands for the run.
        manifest: of the run.
        row: the feature's place in the run.
        path_of: `strongest_path` or `collisions_path`.
        columns: to read.

    Raises:
        RunError: when the table cannot be fetched, or is damaged.
    """
    if folder_at(folder) is None:
        return None
    if not all(file_at(folder / path_of(shard.path)) for shard in manifest.shards()):
        return None
    found = rows_of_shards(folder, manifest, [row], [*columns], path_of=path_of)
    return found.row(0, named=True)


def write_beside(folder: Path, manifest: Manifest, path: str, table: pl.DataFrame) -> None:
    """Write a table of what is published beside a run.

    Args:
        folder: that is published.
        manifest: of the run.
        path: of the table, in it.
        table: what it is to hold.
    """
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    said = {RUN: manifest.digest, TABLE: path}
    write_parquet(folder / path, table, said, rows_in_group=ROWS_IN_GROUP)


def overview_text(manifest: Manifest, answer: Any) -> str:
    """Return the text of `published/overview.json`."""
    said = {"unembed_version": __version__, "run": manifest.digest, "answer": answer}
    return json.dumps(said, ensure_ascii=False)


def published_overview(folder: Path, manifest: Manifest) -> dict[str, Any] | None:
    """Return the explorer's first answer as it was published, None where this version did not.

    Raises:
        RunError: when it cannot be fetched.
    """
    if folder_at(folder) is None or not (file := file_at(folder / OVERVIEW)):
        return None
    file.need()
    try:
        content = parse_json(file.path.read_bytes(), OVERVIEW)
    except FormatError:
        return None
    if not isinstance(content, dict) or content.get("unembed_version") != __version__:
        return None
    answer = content.get("answer")
    return answer if content.get("run") == manifest.digest and isinstance(answer, dict) else None


def write_pieces(folder: Path, manifest: Manifest, files: Mapping[str, Known]) -> None:
    """Write what is published of every file, by its path."""
    rows = [
        {"file": path, "size": size, "hashes": hashes} for path, (size, hashes) in files.items()
    ]
    write_beside(folder, manifest, PIECES, pl.DataFrame(rows, schema=PIECES_COLUMNS))


def read_pieces(path: Path, manifest: Manifest, name: str) -> dict[str, Known]:
    """Return what was published of every file, by its path.

    Args:
        path: of the table, here.
        manifest: of the run.
        name: of the run, for errors.

    Raises:
        RunError: when the table is damaged, of another run, or speaks of what no run has.
    """
    try:
        said, table = said_of(path), read_parquet(path)
    except (FormatError, pl.exceptions.PolarsError, OSError) as error:
        raise RunError(f"{PIECES} of {name} cannot be read: {error}") from error
    if dict(table.schema) != PIECES_COLUMNS:
        raise _wrong(name, "it has other columns")
    if said.get(RUN) != manifest.digest:
        raise _wrong(name, "it is of another run than manifest.json beside it")
    found = {path: Known(size, hashes) for path, size, hashes in table.iter_rows()}
    for file, (size, hashes) in found.items():
        if not is_inside(file) or file in (MANIFEST, PIECES):
            raise _wrong(name, f"it names {file!r:.60}, which is no table of a run")
        if size < 0 or len(hashes) != HASH_BYTES * -(-size // PIECE):
            raise _wrong(name, f"it has not one hash for each piece of {file!r:.60}")
    return found


def _wrong(name: str, why: str) -> RunError:
    return RunError(
        f"{PIECES} of {name} is not what `unembed publish` writes: {why}. Tell whoever published "
        "the run; or download it whole, and open its folder."
    )
