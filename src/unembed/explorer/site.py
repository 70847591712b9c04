"""The folder of a report: it lists the files that are its own, and no other is ever touched."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from unembed.disk import told
from unembed.errors import FormatError, UnembedError
from unembed.outside.documents import parse_json
from unembed.store.standing import check_way, kind_of

LISTED = "report-files.json"
"""The file that lists the others."""
MARK = '<meta name="unembed-report" />'
"""What a report's page says of itself."""
_PAGE = "index.html"
_OURS = re.compile(
    r"index\.html|404\.html|licenses\.md|explorer\.(js|css)|api(/[A-Za-z0-9_→-][A-Za-z0-9._→-]*)+"
    r"\.(json|bin|f32|i32)"
)
"""What the files of a report may be called: no list says more, wherever it came from."""
_MOST_BYTES = 64 * 2**20
_LARGEST_PAGE = 2**20


@contextmanager
def new_site(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield an empty folder to be filled, whose files are those of the report when all went well.

    Where nothing is yet, it becomes the report's folder, whole or not at all. Of a report that is
    there, its own files are replaced, one by one, and those that the new one has not are deleted.

    Args:
        out: the report's folder; a link to it is followed.
        overwrite: replace a report that is there.

    Raises:
        UnembedError: when something else is there, or the disk refuses.
    """
    with told(out, "cannot be written", UnembedError):
        old = _owned(out, overwrite)
        out = out.resolve()
        part = (out if old else out.parent) / f".{uuid.uuid4().hex}"
        part.mkdir(parents=True)
        try:
            yield part
            files = _files_of(part)
            (part / LISTED).write_text(_list(files), "utf-8")
            if old:
                _replace(part, out, old, files)
            else:
                with suppress(FileNotFoundError):
                    out.rmdir()
                part.rename(out)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _files_of(part: Path) -> list[str]:
    files = [each.relative_to(part).as_posix() for each in part.rglob("*") if each.is_file()]
    unknown = [path for path in files if not _OURS.fullmatch(path)]
    if unknown:
        raise UnembedError(f"A report would have files that it cannot list: {unknown[:3]}.")
    return sorted(files)


def _list(files: Sequence[str]) -> str:
    return json.dumps({"unembed_report": 1, "files": files}, ensure_ascii=False, indent=0)


def _replace(part: Path, out: Path, old: Sequence[str], new: Sequence[str]) -> None:
    """Put the files of a folder in place of a report's, which lists both until that is done."""
    for path in sorted({*old, *new}):
        if check_way(out, path, "a report") and path not in old:
            raise UnembedError(
                f"{out / path} is not of the report in {out}, and the new one would write it. "
                "Nothing was touched. Move it away, or choose another folder."
            )
    both = part / f"{LISTED}.both"
    both.write_text(_list(sorted({*old, *new})), "utf-8")
    both.replace(out / LISTED)
    for path in new:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (part / path).replace(out / path)
    gone = sorted(set(old) - set(new))
    for path in gone:
        (out / path).unlink(missing_ok=True)
    (part / LISTED).replace(out / LISTED)
    emptied = {above for path in gone for above in PurePosixPath(path).parents[:-1]}
    for folder in sorted(emptied, key=lambda each: -len(each.parts)):
        with suppress(OSError):  # somebody has something in it
            (out / folder).rmdir()


def _owned(out: Path, overwrite: bool) -> list[str]:
    """Return the files of the report in a folder, none where there is no folder, or an empty one.

    Raises:
        UnembedError: when something else is there, or a report that is to stay.
    """
    if kind_of(out) is None:
        return []
    if out.is_dir():
        if not any(out.iterdir()):
            return []
        if _is_page(out / _PAGE):
            files = _listed(out / LISTED)
            if not overwrite:
                raise UnembedError(
                    f"{out} holds a report. Replace it with --overwrite, or choose another."
                )
            if files is None:
                raise UnembedError(
                    f"{out} holds a report that does not list its files, as one of an earlier "
                    "version: which of them may go cannot be known. Nothing was touched. Delete it "
                    "yourself, or choose another place."
                )
            for path in files:
                check_way(out, path, "a report")
            return files
    raise UnembedError(
        f"{out} is there already and is no report; nothing in it was touched. Choose another place."
    )


def _is_page(path: Path) -> bool:
    if kind_of(path) != "a file":
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(_LARGEST_PAGE)


def _listed(path: Path) -> list[str] | None:
    """Return the files that a report lists; None where it does not, or one cannot be a report's."""
    if kind_of(path) != "a file" or path.stat().st_size > _MOST_BYTES:
        return None
    try:
        content = parse_json(path.read_bytes(), str(path))
    except FormatError:
        return None
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, list) or content.get("unembed_report") != 1:
        return None
    if not all(isinstance(each, str) and _OURS.fullmatch(each) for each in files):
        return None
    return files
