"""Token sets to a file, in the format that its name ends in."""

from __future__ import annotations

from pathlib import Path

from unembed.errors import TokenSetError
from unembed.output_file import check_free, output_file
from unembed.parquet import write_parquet
from unembed.strict_json import dumps
from unembed.tokensets.files.gmt import Members, write_gmt
from unembed.tokensets.frame import to_frame
from unembed.tokensets.token_sets import TokenSets

ENDINGS = (".gmt", ".json", ".parquet")


def check_export(path: Path, *, overwrite: bool = False) -> None:
    """Check that sets can be written to a file, before they are made.

    Raises:
        UnembedError: for a name that says no format, or when something is there.
    """
    if path.suffix not in ENDINGS:
        raise TokenSetError(
            f"{path} ends in none of {', '.join(ENDINGS)}, and that says what to write."
        )
    check_free(path, overwrite=overwrite)


def write_sets(
    sets: TokenSets, path: Path, members: Members = "text", *, overwrite: bool = False
) -> None:
    """Write sets to a .gmt, .json or .parquet file, whole or not at all.

    Args:
        sets: the sets.
        path: the file.
        members: in .gmt, their text or their ids; the others hold both.
        overwrite: replace a file that is there.

    Raises:
        UnembedError: for another ending, when a file is there that is to stay, or when the disk
            refuses.
    """
    check_export(path, overwrite=overwrite)
    with output_file(path, TokenSetError) as part:
        if path.suffix == ".gmt":
            write_gmt(sets, part, members)
        elif path.suffix == ".parquet":
            write_parquet(part, to_frame(sets))
        else:
            part.write_text(_json(sets), encoding="utf-8")


def _json(sets: TokenSets) -> str:
    content = {
        info.name: {
            **{key: value for key, value in vars(info).items() if key != "name"},
            "ids": sets[info.name].tolist(),
            "tokens": sets.texts(info.name),
        }
        for info in sets.infos
    }
    return dumps(content, indent=1)
