"""The few requests that are made of the site: one after the other, and patiently."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from unembed.errors import SourceError
from unembed.version import __version__

TIMEOUT = 60
"""Seconds that an answer, or the next part of one, may take."""
TRIES = 4
LONGEST_WAIT = 60
"""Seconds: a site that wants a longer one is asked another day."""
_CHUNK = 1 << 20
_ABSENT = (403, 404, 405)
"""What servers answer for what they do not have, or do not list; S3 says 403 for either."""
_LATER = (429, 500, 502, 503, 504)

Answer = TypeVar("Answer")


class _StoppedError(Exception):
    """What came so far stays, and the next try goes on from there."""


def text(url: str, most: int) -> str | None:
    """Return the text at an address; None where there is none.

    Raises:
        SourceError: when the site cannot be reached, or sends more than `most` bytes.
    """

    def read() -> str | None:
        with _opened(Request(url)) as answer:
            if answer is None:
                return None
            found = answer.read(most + 1)
        if len(found) > most:
            raise SourceError(f"{url} sends more than {most >> 20} MB, which no list has.")
        return found.decode("utf-8", "replace")

    return _patiently(url, read)


def is_there(url: str) -> bool:
    """Return whether there is something at an address.

    Raises:
        SourceError: when the site cannot be reached.
    """

    def look() -> bool:
        with _opened(Request(url, method="HEAD")) as answer:
            return answer is not None

    return _patiently(url, look)


def download(
    url: str, part: Path, most: int, size: int | None = None, tag: str | None = None
) -> None:
    """Fetch a file; what is in `part` already is not fetched again.

    Args:
        url: where it is.
        part: the file, which grows as bytes arrive.
        most: bytes that it may have.
        size: bytes that it has, where the list says it.
        tag: its hash by the server's list, with which the server says whether the part is still of
            the same file.

    Raises:
        SourceError: when it is not there, the site cannot be reached, or it is too large.
        OSError: when the disk refuses.
    """
    _patiently(url, lambda: _go_on(url, part, most, size, tag))


def _go_on(url: str, part: Path, most: int, size: int | None, tag: str | None) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have and have == size:
        return
    if size is not None and have > size:
        part.unlink()
        have = 0
    headers = {"Accept-Encoding": "identity"}
    if have and tag is not None:
        headers |= {"Range": f"bytes={have}-", "If-Range": f'"{tag}"'}
    with _opened(Request(url, headers=headers)) as answer:
        if answer is None:
            raise SourceError(f"{url} is not there any more. Try again later.")
        with part.open("ab" if answer.status == 206 else "wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                if file.tell() > most:
                    raise SourceError(f"{url} has more than {most >> 20} MB, and is not read.")
            if answer.length:  # the connection was closed before its end
                raise _StoppedError(f"{answer.length:,} bytes did not arrive")


@contextmanager
def _opened(request: Request) -> Iterator[HTTPResponse | None]:
    """Yield an answer, None for what is not there."""
    request.add_header("User-Agent", f"unembed/{__version__}")
    try:
        answer = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        if error.code in _ABSENT:
            error.close()
            yield None
            return
        raise
    with answer:
        yield answer


def _patiently(url: str, ask: Callable[[], Answer]) -> Answer:
    """Return an answer; a site that is busy is asked again, after as long as it wants."""
    for left in range(TRIES - 1, -1, -1):
        try:
            return ask()
        except HTTPError as error:
            if error.code not in _LATER or not left:
                raise _unreachable(url, f"it answers {error.code} {error.reason}") from error
            wait = _wanted(error, 2.0 ** (TRIES - 1 - left))
        except (URLError, HTTPException, TimeoutError, ConnectionError, _StoppedError) as error:
            if not left:
                raise _unreachable(url, getattr(error, "reason", None) or error) from error
            wait = 2.0 ** (TRIES - 1 - left)
        time.sleep(wait)
    raise AssertionError


def _wanted(error: HTTPError, else_: float) -> float:
    wanted = (error.headers.get("Retry-After") or "").strip()
    return min(float(wanted), LONGEST_WAIT) if wanted.isascii() and wanted.isdigit() else else_


def _unreachable(url: str, why: object) -> SourceError:
    return SourceError(
        f"{url} cannot be fetched: {str(why).rstrip('.') or type(why).__name__}. What arrived "
        "stays in the cache, and the same command goes on from there; or give files with --from."
    )
