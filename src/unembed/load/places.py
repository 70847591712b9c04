"""References that name several places: ranges and choices in braces, and globs.

| pattern | places |
|---|---|
| `blocks.{0-11}.hook_resid_pre` | twelve, in that order |
| `blocks.{0,4,8}.hook_{resid,mlp}` | six; ranges and choices mix: `{0-3,8}` |
| `saes/blocks.*.hook_resid_pre` | all that fit, in numeric order (2 before 10) |

They work on this disk and on the hub, where one listing of the repository serves all. A folder or
file that is there is itself, whatever characters its name has: in `dir[1]/blocks.*` the first part
is a folder's name, and the second a pattern.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from unembed.errors import SourceError, did_you_mean, listed
from unembed.load.folder import LocalFolder
from unembed.load.hub import HubFolder
from unembed.load.hub.address import Address, is_address, is_page, parse_address
from unembed.load.patterns import expand_braces, fits, natural
from unembed.load.reference import Place, on_disk, on_hub, resolve, surely_a_path
from unembed.outside import limits

_GLOB = re.compile(r"[*?[]")
_WILD = re.compile(r"[*?[]|\{[^{}]*\}")


def is_pattern(reference: str | Path) -> bool:
    """Return whether a reference may name several places: one that is there names itself.

    >>> is_pattern("hf:org/saes/blocks.{0-11}.hook_resid_pre")
    True
    """
    text = _own_form(str(reference))
    return bool(_WILD.search(text)) and (is_address(text) or on_disk(text) is None)


def places_of(pattern: str) -> list[Place]:
    """Return the places that a pattern names, those of a glob in numeric order.

    Raises:
        SourceError: when a range is empty or counts down, or nothing is there that fits.
    """
    text, roots = _own_form(pattern), _Roots()
    found = _places_here(text)
    if found is None:
        found = _places_there(text, roots)
    twice = sorted(name for name, n in Counter(place.name for place in found).items() if n > 1)
    if twice:
        raise SourceError(f"{pattern!r} names {twice[0]} more than once.")
    return found


def fits_here(reference: str) -> bool:
    """Return whether a reference is a pattern that something on this disk fits, in part at least.

    Raises:
        SourceError: when a range is empty or counts down, or a folder may not be read.
    """
    if is_page(reference) or is_address(reference) or not is_pattern(reference):
        return False
    root, rest = _existing(reference)
    for choice in expand_braces(rest):
        with suppress(SourceError):
            if _fitting_here(reference, root, choice):
                return True
    return False


def given_name(text: str) -> tuple[str | None, str]:
    """Return the NAME of `NAME=REFERENCE` and the reference; no name where there is none.

    A path that is there is itself, and so is a pattern that something here fits, though they hold
    an equals sign: `lr=0.001/blocks.*`.

    >>> given_name("res=hf:org/saes/blocks.{0-11}.hook_resid_pre")
    ('res', 'hf:org/saes/blocks.{0-11}.hook_resid_pre')
    >>> given_name("hf:org/saes/lr=0.001")
    (None, 'hf:org/saes/lr=0.001')
    """
    name, equals, rest = text.partition("=")
    if not equals or re.search(r"[/:]", name) or _is_here(text):
        return None, text
    return name, rest


def _own_form(text: str) -> str:
    """Return a page's address in unembed's own form, in which `?` is no query; other text as is."""
    if is_page(text) and on_disk(text) is None:
        address = parse_address(text)
        return address.text if address else text
    return text


# --- on this disk ---


def _places_here(text: str) -> list[Place] | None:
    """Return the places of this disk that a pattern names, or None where it means the hub."""
    if is_address(text):
        return None
    root, rest = _existing(text)
    if not rest:
        return [resolve(text)]
    found: list[Place] = []
    for choice in expand_braces(rest):
        places = _fitting_here(text, root, choice)
        if places is None:
            return None
        found += places
    return found


def _fitting_here(text: str, root: Path, choice: str) -> list[Place] | None:
    """Return what fits one choice of the braces, or None where it means the hub."""
    root, pattern = _existing(str(root / choice))
    if not pattern:
        return [resolve(root)]
    first, *more = PurePosixPath(pattern).parts
    if _GLOB.search(first):
        found = _glob(root, pattern)
        if found:
            return [resolve(path) for path in sorted(found, key=lambda path: natural(str(path)))]
    elif not surely_a_path(text) and (more or root == Path()):
        return None  # no such folder here: a repository
    shown = text if _GLOB.search(first) else str(root / pattern)
    raise _nothing(shown, first, _entries(root), str(root))


def _glob(root: Path, pattern: str) -> list[Path]:
    """Return what fits below a folder.

    Raises:
        SourceError: when the pattern is none, or fits more than one reference may stand for.
    """
    found: list[Path] = []
    try:
        for path in root.glob(pattern):
            if not _hidden(path.relative_to(root)):
                found.append(path)
            if len(found) > limits.PLACES:
                raise _too_many(pattern)
    except (OSError, ValueError, NotImplementedError, IndexError, RecursionError) as error:
        raise SourceError(f"{pattern!r} cannot be looked for in {root}: {error}.") from error
    return found


def _existing(text: str) -> tuple[Path, str]:
    """Return how much of a path is there, whatever its characters, and the rest.

    Raises:
        SourceError: when a folder may not be read.
    """
    try:
        whole = Path(text).expanduser()
    except (RuntimeError, ValueError):  # the home of nobody, or of no name
        return Path(), text
    root = Path(whole.anchor)
    parts = whole.parts[1:] if whole.anchor else whole.parts
    for at, part in enumerate(parts):
        if on_disk(str(root / part)) is None:
            return root, "/".join(parts[at:])
        root = root / part
    return root, ""


def _is_here(text: str) -> bool:
    """Return whether a path is there, or something that fits it as a pattern."""
    root, rest = _existing(text)
    if root != Path() or not rest:
        return True
    try:
        return bool(_WILD.search(rest.split("/")[0]) and _places_here(text))
    except SourceError:
        return False


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _entries(folder: Path) -> list[str]:
    return LocalFolder(folder).folders() + LocalFolder(folder).names()


# --- on the hub ---


class _Roots:
    """The repositories that a pattern names, each listed once, so that all have one commit."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], HubFolder] = {}

    def of(self, address: Address) -> HubFolder:
        """Return the root of an address' repository."""
        key = (address.repo, address.revision)
        return self._known.setdefault(key, HubFolder(address.repo, "", address.revision))


def _places_there(text: str, roots: _Roots) -> list[Place]:
    """Return the places of the hub that a pattern names."""
    address = parse_address(text)
    if address is None:  # a choice of repositories
        choices = expand_braces(text)
        if choices == [text]:
            return [resolve(text)]
        return [place for choice in choices for place in _places_there(choice, roots)]
    return [
        place
        for revision in expand_braces(address.revision or "")
        for place in _fitting_there(
            text, roots.of(address._replace(revision=revision or None)), address.inside
        )
    ]


def _fitting_there(text: str, root: HubFolder, inside: str) -> list[Place]:
    """Return the places of a repository that a pattern fits; what is there names itself."""
    parts = inside.split("/")
    fixed = 0
    while fixed < len(parts) and _is_there(root, "/".join(parts[: fixed + 1])):
        fixed += 1
    if fixed == len(parts):
        return [on_hub(root, inside)]
    folder = root.inside("/".join(parts[:fixed]))
    found: list[Place] = []
    for choice in expand_braces("/".join(parts[fixed:])):
        if _is_there(folder, choice) or not _GLOB.search(choice):
            found.append(on_hub(folder, choice))
        else:
            found += _globbed(text, folder, choice)
    return found


def _globbed(text: str, folder: HubFolder, pattern: str) -> list[Place]:
    folders, files = folder.paths()
    found = sorted((each for each in folders + files if fits(each, pattern)), key=natural)
    if len(found) > limits.PLACES:
        raise _too_many(pattern)
    if not found:
        raise _nothing(text, pattern, folders + files, folder.name)
    return [on_hub(folder, each) for each in found]


def _is_there(folder: HubFolder, path: str) -> bool:
    return folder.has(path) or folder.is_folder(path)


def _too_many(pattern: str) -> SourceError:
    return SourceError(f"{pattern!r} fits more than {limits.PLACES:,} places. Name fewer at once.")


def _nothing(text: str, pattern: str, entries: Iterable[str], where: str) -> SourceError:
    names = sorted(entries, key=natural)
    return SourceError(
        f"Nothing fits {text!r}.{did_you_mean(pattern, names)} {where} holds: {listed(names)}."
    )
