"""Token sets to a file, in the format that its name ends in."""

from __future__ import annotations

from pathlib import Path

from unembed.cache import new_file
from unembed.errors import TokenSetError
from unembed.parquet import write_parquet
from unembed.strict_json import dumps
from unembed.tokensets.files.gmt import Members, write_gmt
from unembed.tokensets.frame import to_frame
from unembed.tokensets.token_sets import TokenSets

ENDINGS = (".gmt", ".json", ".parquet")


def write_sets(sets: TokenSets, path: Path, members: Members = "text") -> None:
    """Write sets to a .gmt, .json or .parquet file, which is replaced when all went well.

    Args:
        sets: the sets.
        path: the file.
        members: in .gmt, their text or their ids; the others hold both.

    Raises:
        TokenSetError: for another ending, or when the disk refuses.
    """
    if path.suffix not in ENDINGS:
        raise TokenSetError(
            f"{path} ends in none of {', '.join(ENDINGS)}, and that says what to write."
        )
    try:
        with new_file(path) as part:
            if path.suffix == ".gmt":
                write_gmt(sets, part, members)
            elif path.suffix == ".parquet":
                write_parquet(part, to_frame(sets))
            else:
                part.write_text(_json(sets), encoding="utf-8")
    except OSError as error:
        raise TokenSetError(f"{path} cannot be written: {error.strerror or error}.") from error


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
