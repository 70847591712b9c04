"""Where on the hub a reference says that a run lies: in a data set, not among models.

| reference | form |
|---|---|
| `hf:org/name@revision/sub/folder` | unembed's own; revision and folder may be left out |
| `hf:org/name/sub/folder@revision` | the same, as references to weights have it |
| `hf://datasets/org/name@revision/sub/folder` | `huggingface_hub`'s file system |
| `https://huggingface.co/datasets/org/name/tree/main/sub/folder` | a page |
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from huggingface_hub import constants

from unembed.errors import SourceError
from unembed.load.hub.address import PREFIX, Address
from unembed.load.hub.kinds import DATASETS
from unembed.outside.text import has_half

_NAME = r"(?P<repo>[\w-][\w.-]*/[\w-][\w.-]*)"
_REVISION = r"@(?P<revision>refs/(?:pr|convert)/[\w.-]+|[^/@]+)"
_INSIDE = r"(?P<inside>(?:/[^/@]+)*)/?"
_FORMS = (
    re.compile(f"{_NAME}(?:{_REVISION})?{_INSIDE}"),
    re.compile(f"{_NAME}{_INSIDE}{_REVISION}"),
)
_PAGE = re.compile(r"https?:/+", re.IGNORECASE)
_HOSTS = {"huggingface.co", "www.huggingface.co", "hf.co", "www.hf.co"}
_PAGES = ("tree", "blob", "resolve", "raw", "viewer")


def run_address(text: str) -> Address:
    """Return the place on the hub that a reference to a run names; its `repo` is a data set.

    >>> run_address("hf:org/run@v1/layer_8")
    Address(repo='datasets/org/run', inside='layer_8', revision='v1')
    >>> run_address("https://huggingface.co/datasets/org/run/tree/main").revision
    'main'

    Raises:
        SourceError: when it names none.
    """
    found = None if has_half(text) else _address(text)
    if found is None or ".." in found.inside.split("/"):
        raise SourceError(
            f"{text!r} names no run on the hub. Expected hf:ORG/NAME, with @REVISION and /FOLDER "
            "behind it where that is meant; a run is published as a data set."
        )
    return found


def shown_address(address: Address) -> str:
    """Return how a run on the hub is named to people, and may be given again."""
    revision = f"@{address.revision}" if address.revision else ""
    inside = f"/{address.inside}" if address.inside else ""
    return f"{PREFIX}{address.repo.removeprefix(DATASETS)}{revision}{inside}"


def _address(text: str) -> Address | None:
    if _PAGE.match(text):
        return _of_page(text)
    plain = text.removeprefix(PREFIX).lstrip("/").removeprefix(DATASETS)
    for form in _FORMS:
        if found := form.fullmatch(plain):
            revision = found["revision"]
            inside = found["inside"].strip("/")
            return Address(f"{DATASETS}{found['repo']}", inside, revision and unquote(revision))
    return None


def _of_page(text: str) -> Address | None:
    try:
        page = urlsplit(_PAGE.sub("https://", text, count=1))
        host = page.hostname
    except ValueError:
        return None
    if host not in _HOSTS | {urlsplit(constants.ENDPOINT).hostname}:
        return None
    parts = [unquote(part) for part in page.path.split("/") if part]
    if parts[:1] != [DATASETS.rstrip("/")] or len(parts) < 3:
        return None
    repo, rest = "/".join(parts[:3]), parts[3:]
    if not rest:
        return Address(repo, "", None)
    if rest[0] not in _PAGES or len(rest) < 2:
        return None
    length = 3 if rest[1] == "refs" else 1
    return Address(repo, "/".join(rest[1 + length :]), "/".join(rest[1 : 1 + length]))
