"""What a reference to the hub says: a repository, a path in it, and a revision.

| reference | form |
|---|---|
| `hf:org/repo/sub/folder@revision` | unembed's own |
| `org/repo/sub/folder@revision` | the same, where no such path exists here |
| `hf://org/repo@revision/sub/folder` | `huggingface_hub`'s file system; the revision may be last |
| `https://huggingface.co/org/repo/tree/main/sub/folder` | a page, as a browser shows its address |

A repository is of models; the files of a space are those of `spaces/org/name`, in every form.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from huggingface_hub import constants

from unembed.errors import SourceError
from unembed.load.hub.kinds import SPACES
from unembed.outside.text import has_half

PREFIX = "hf:"

_REPO = rf"(?P<repo>(?:{SPACES})?[\w.-]+/[\w.-]+(?=[/@]|$)|[\w.-]+(?=/?(?:@|$)))"
_INSIDE = r"(?P<inside>(?:/[^/]+)*)/?"
_REFERENCE = re.compile(_REPO + _INSIDE)
_EARLY = re.compile(_REPO + r"@(?P<revision>refs/(?:pr|convert)/[\w.-]+|[^/@]+)" + _INSIDE)
_WEB = re.compile("https?://", re.IGNORECASE)
_HOSTS = {"huggingface.co", "www.huggingface.co", "hf.co", "www.hf.co"}
_PAGES = {"tree", "blob", "resolve", "raw", "blame", "edit", "commit", "commits"}
"""What stands before the revision in a page's address."""
_OTHER_KINDS = {"datasets", "collections", "papers", "docs", "blog"}


class Address(NamedTuple):
    """A place on the hub.

    Attributes:
        repo: `org/name`, a bare `name`, or `spaces/org/name`.
        inside: the path in it, `""` for its root.
        revision: branch, tag or commit, where one is named.
    """

    repo: str
    inside: str
    revision: str | None

    @property
    def text(self) -> str:
        """The same place in unembed's own form."""
        inside = f"/{self.inside}" if self.inside else ""
        ambiguous = self.revision is None and "@" in inside
        revision = "main" if ambiguous else self.revision
        return f"{PREFIX}{self.repo}{inside}" + (f"@{revision}" if revision else "")


def is_address(text: str) -> bool:
    """Return whether a reference can only mean the hub: by its prefix, or as a page of it.

    >>> is_address("hf:gpt2"), is_address("https://hf.co/gpt2"), is_address("gpt2")
    (True, True, False)
    """
    return text.startswith(PREFIX) or bool(_WEB.match(text))


def is_page(text: str) -> bool:
    """Return whether a reference is the address of a page, be it without `https://`.

    >>> is_page("https://hf.co/gpt2"), is_page("hf.co/gpt2"), is_page("hf:gpt2")
    (True, True, False)
    """
    return bool(_WEB.match(text)) or text.split("/")[0].lower() in _HOSTS


def parse_address(text: str) -> Address | None:
    """Return the place on the hub that a reference names, or None where it cannot name one.

    >>> parse_address("hf:org/sae/blocks.8@v1")
    Address(repo='org/sae', inside='blocks.8', revision='v1')
    >>> parse_address("https://huggingface.co/org/sae/tree/main/blocks.8").text
    'hf:org/sae/blocks.8@main'

    Raises:
        SourceError: when it is a page of the hub without files of a model.
    """
    if has_half(text):
        return None
    if is_page(text):
        return _page(text)
    plain = text.removeprefix(PREFIX)
    if plain.startswith("//"):
        plain = plain[2:].removeprefix("models/")
        _check_kind(text, plain.split("/")[0])
        if found := _EARLY.fullmatch(plain):
            return Address(found["repo"], found["inside"].strip("/"), unquote(found["revision"]))
    before, at, behind = plain.rpartition("@")  # a path may have others
    found = _REFERENCE.fullmatch(before if at else plain)
    if found is None or (at and not behind):
        return None
    return Address(found["repo"], found["inside"].strip("/"), behind if at else None)


def _page(text: str) -> Address | None:
    try:
        address = urlsplit(text if _WEB.match(text) else f"https://{text}")
        host = address.hostname
    except ValueError as error:
        raise SourceError(f"{text!r} is no address of a page: {error}.") from error
    if host not in _HOSTS | {urlsplit(constants.ENDPOINT).hostname}:
        raise SourceError(
            f"{text} is no page of the hub (huggingface.co). Download what it offers, and name the "
            "file or folder here."
        )
    parts = [unquote(part) for part in address.path.split("/") if part]
    parts = parts[2:] if parts[:2] == ["api", "models"] else parts
    parts = parts[1:] if parts[:2] == ["api", "spaces"] else parts
    _check_kind(text, *parts[:1])
    kind = SPACES if parts[:1] == [SPACES.rstrip("/")] else ""
    parts = parts[1:] if kind else parts
    bare = len(parts) > 2 and parts[1] in _PAGES and parts[2] not in _PAGES
    named = 1 if bare and not kind else 2
    repo = kind + "/".join(parts[:named]).removesuffix(".git")
    if not _REFERENCE.fullmatch(repo) or (kind and len(parts) < 2):
        return None
    page, rest = parts[named : named + 1], parts[named + 1 :]
    if not page:
        return Address(repo, "", None)
    if page[0] not in _PAGES or not rest:
        raise SourceError(
            f"{text} is no page of files. Give the repository's own page, or a folder's or file's "
            f"in it, such as https://huggingface.co/{repo}/tree/main."
        )
    length = 3 if rest[0] == "refs" else 1
    inside = [] if page[0].startswith("commit") else rest[length:]
    return Address(repo, "/".join(inside), "/".join(rest[:length]))


def _check_kind(text: str, kind: str = "") -> None:
    if kind in _OTHER_KINDS:
        raise SourceError(
            f"{text} is in the hub's {kind}; expected a repository of models, such as "
            "hf:org/repo/subfolder@revision."
        )
