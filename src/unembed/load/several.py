"""References that name several places: ranges and choices in braces, and globs.

| pattern | places |
|---|---|
| `blocks.{0-11}.hook_resid_pre` | twelve, in that order |
| `blocks.{0,4,8}.hook_{resid,mlp}` | six; ranges and choices mix: `{0-3,8}` |
| `saes/blocks.*.hook_resid_pre` | all that fit, in numeric order (2 before 10) |

They work on this disk and on the hub, where one listing of the repository serves all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path, PurePosixPath

from unembed.errors import SourceError, did_you_mean
from unembed.load.hub import HubFolder
from unembed.load.reference import Place, resolve

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)(?:-|\.\.)(\d+)")
_GLOB = re.compile(r"[*?[]")


def is_pattern(reference: str | Path) -> bool:
    """Return whether a reference may name several places: one that is there names itself.

    >>> is_pattern("hf:org/saes/blocks.{0-11}.hook_resid_pre")
    True
    """
    text = str(reference)
    return bool(_GLOB.search(text) or _BRACES.search(text)) and not _exists(text)


def places_of(pattern: str) -> list[Place]:
    """Return the places that a pattern names, those of a glob in numeric order.

    Raises:
        SourceError: when a range is empty or counts down, or nothing is there that fits.
    """
    listings: dict[tuple[str, str], HubFolder] = {}
    found = [place for each in expand_braces(pattern) for place in _places(each, listings)]
    names = [place.name for place in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"{pattern!r} names {twice[0]} more than once.")
    return found


def expand_braces(text: str) -> list[str]:
    """Return the texts that choices in braces stand for, the last brace running fastest.

    >>> expand_braces("b.{8-10}.{x,y}")
    ['b.8.x', 'b.8.y', 'b.9.x', 'b.9.y', 'b.10.x', 'b.10.y']

    Raises:
        SourceError: when a brace is empty or not closed, or a range counts down.
    """
    parts = _BRACES.split(text)
    if re.search(r"[{}]", "".join(parts[::2])):
        raise SourceError(
            f"{text!r} has a brace that is not closed, or one inside another. Write a range as "
            "{0-11}, a choice as {0,4,8}."
        )
    options = [_choices(part, text) if at % 2 else [part] for at, part in enumerate(parts)]
    return ["".join(choice) for choice in product(*options)]


def _choices(inside: str, text: str) -> list[str]:
    choices: list[str] = []
    for part in inside.split(","):
        if not part.strip():
            raise SourceError(
                f"{{{inside}}} in {text!r} leaves a choice empty. Write a range as {{0-11}}, a "
                "choice as {0,4,8}."
            )
        choices += _numbers(part.strip(), text)
    return choices


def _numbers(part: str, text: str) -> list[str]:
    """Return the numbers of a range, as wide as they are written; other text as it is."""
    found = _RANGE.fullmatch(part)
    if found is None:
        return [part]
    first, last = found[1], found[2]
    if int(last) < int(first):
        raise SourceError(
            f"The range {{{part}}} in {text!r} counts down. Write {{{last}-{first}}}."
        )
    width = len(first) if first.startswith("0") else 0
    return [f"{number:0{width}d}" for number in range(int(first), int(last) + 1)]


def natural(text: str) -> tuple[tuple[bool, int, str], ...]:
    """Return a key that sorts numbers inside text by their value.

    >>> sorted(["b.10", "b.2"], key=natural)
    ['b.2', 'b.10']
    """
    parts = re.findall(r"\d+|\D+", text)
    return tuple(
        (True, int(part), part) if part.isdecimal() else (False, 0, part) for part in parts
    )


def _places(text: str, listings: dict[tuple[str, str], HubFolder]) -> list[Place]:
    if _exists(text):
        return [resolve(text)]
    if not _GLOB.search(text):
        return [_one(text, listings)]
    if not text.startswith("hf:"):
        root, pattern = _split(text)
        if root.is_dir():
            return _on_disk(text, root, pattern)
    return _on_hub(text, listings)


def _exists(text: str) -> bool:
    try:
        return not text.startswith("hf:") and Path(text).expanduser().exists()
    except (OSError, RuntimeError):
        return False


def _split(pattern: str) -> tuple[Path, str]:
    """Return the folder that a glob starts from, and the rest, from its first wildcard on."""
    parts = Path(pattern).expanduser().parts
    fixed = next(at for at, part in enumerate(parts) if _GLOB.search(part))
    return Path(*parts[:fixed]), "/".join(parts[fixed:])


def _on_disk(text: str, root: Path, pattern: str) -> list[Place]:
    found = [path for path in root.glob(pattern) if not _hidden(path.relative_to(root))]
    if not found:
        raise _nothing(text, pattern.split("/")[0], _entries(root), str(root))
    return [resolve(path) for path in sorted(found, key=lambda path: natural(str(path)))]


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _entries(folder: Path) -> list[str]:
    return sorted((entry.name for entry in folder.iterdir()), key=natural)


def _on_hub(text: str, listings: dict[tuple[str, str], HubFolder]) -> list[Place]:
    place = resolve(text)
    root = place.folder
    assert isinstance(root, HubFolder)
    pattern = root.file(place.file) if place.file else root.subfolder
    folder = _listing(root, listings)
    folders, files = folder.paths()
    found = sorted((each for each in folders + files if _fits(each, pattern)), key=natural)
    if not found:
        raise _nothing(text, pattern, folders or files, f"{folder.repo}@{folder.revision}")
    return [
        Place(folder.inside(str(PurePosixPath(each).parent)), PurePosixPath(each).name)
        if each in files
        else Place(folder.inside(each))
        for each in found
    ]


def _listing(folder: HubFolder, listings: dict[tuple[str, str], HubFolder]) -> HubFolder:
    """Return the root of a folder's repository, the same one for the same revision."""
    key = (folder.repo, folder.revision)
    return listings.setdefault(key, HubFolder(folder.repo, "", folder.revision))


def _one(text: str, listings: dict[tuple[str, str], HubFolder]) -> Place:
    """Return one place of several, of the one commit that all of its repository have."""
    beside = Path(text).expanduser().parent
    if not text.startswith("hf:") and len(beside.parts) and beside.is_dir():
        raise _nothing(text, Path(text).name, _entries(beside), str(beside))
    place = resolve(text)
    assert isinstance(place.folder, HubFolder)
    root = _listing(place.folder, listings)
    return replace(place, folder=root.inside(place.folder.subfolder))


def _fits(path: str, pattern: str) -> bool:
    """Return whether a path of a repository fits a glob, folder by folder.

    >>> _fits("a/b.1/c", "a/b.*/c"), _fits("a/b.1/c", "a/*"), _fits("a/b/c", "**/c")
    (True, False, True)
    """
    return _parts_fit(path.split("/"), pattern.split("/"))


def _parts_fit(path: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_parts_fit(path[at:], pattern[1:]) for at in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _parts_fit(path[1:], pattern[1:])


def _nothing(text: str, pattern: str, entries: Iterable[str], where: str) -> SourceError:
    names = list(entries)
    return SourceError(
        f"Nothing fits {text!r}.{did_you_mean(pattern, names)} {where} holds: "
        f"{', '.join(names[:12]) or 'nothing'}{', …' if len(names) > 12 else ''}."
    )
