"""What every request passes: who may ask, for how much, and what is said besides the answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from fastapi import Response
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unembed.errors import RunError
from unembed.explorer.desk import Desk
from unembed.explorer.limits import HEAD_BYTES, PATH_BYTES
from unembed.strict_json import dumps

API = "/api/"
_METHODS = ("GET", "HEAD")
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "frame-src https://www.neuronpedia.org; object-src 'none'; base-uri 'none'; form-action 'none'"
)
"""What the page may load: its own files, and a page of Neuronpedia when asked."""
_FRAMES = (
    "'self' http://localhost:* https://localhost:* http://127.0.0.1:* https://127.0.0.1:* "
    "vscode-webview: vscode-file:"
)
"""Who may show the page in a frame: notebooks on this machine, in a browser or in VS Code."""
_SAID = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": f"{POLICY}; frame-ancestors {_FRAMES}",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Numbers(Response):
    """An array as raw little-endian bytes."""

    media_type = "application/octet-stream"


class Json(JSONResponse):
    """JSON that is bytes already: of this class FastAPI knows that it is no text."""

    def render(self, content: bytes) -> bytes:
        """Return the content as it is."""
        return content


def json_bytes(content: object) -> bytes:
    r"""Return content as JSON, with null for what is no number.

    >>> json_bytes({"half of a pair": "\ud800"})
    b'{"half of a pair": "\\ud800"}'
    """
    return dumps(content).encode("utf-8", "backslashreplace")  # JSON writes lone surrogates so


def told(message: str, status: int, *, close: bool = False) -> Response:
    """Return a mistake as an answer.

    Args:
        message: what is wrong, for people.
        status: of HTTP.
        close: whether the connection ends with it.
    """
    headers = {"Connection": "close"} if close else None
    return Json(json_bytes({"error": message}), status, headers)


class Gate:
    """Refuses what cannot be asked, and sets the headers of every answer.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":  # the server's own start and stop
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_SAID)
            elif is_head and "body" in message:
                message = {**message, "body": b""}
            await send(message)

        asked = {**scope, "method": "GET"} if is_head else scope
        await (_refusal(scope) or self._app)(asked, receive, say)


def _refusal(scope: Scope) -> Response | None:
    """Return why a request is not answered at all."""
    headers = Headers(scope=scope)
    if scope["method"] not in _METHODS:
        refused = told("This can only be read: ask with GET or HEAD.", 405, close=True)
        refused.headers["Allow"] = ", ".join(_METHODS)
        return refused
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        return told("A question has no body here.", 413, close=True)
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEAD_BYTES:
        return told("The headers are too long.", 431, close=True)
    if len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"") > PATH_BYTES:
        return told("There is no path as long as this.", 414, close=True)
    if scope["path"].startswith(API) and headers.get("sec-fetch-site") == "cross-site":
        return told("Other sites may not ask.", 403)
    return None


class Known:
    """Answers what is known already: that an answer still holds, one that is kept, no run.

    It stands behind whatever refuses.

    Args:
        app: what answers the rest.
        desk: knows answers by their path.
        digest: of all that answers depend on.
        check: raises RunError when the run is not what it was any more.
    """

    def __init__(self, app: ASGIApp, *, desk: Desk, digest: str, check: Callable[[], None]) -> None:
        self._app, self._desk, self._digest, self._check = app, desk, digest, check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path = scope.get("path", "")
        if not path.startswith(API):
            await self._app(scope, receive, send)
            return
        tag = f'"{hashlib.sha256(f"{self._digest} {path}".encode()).hexdigest()[:32]}"'

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 304):
                MutableHeaders(scope=message)["ETag"] = tag
            await send(message)

        await (self._answer(path, scope, tag) or self._app)(scope, receive, say)

    def _answer(self, path: str, scope: Scope, tag: str) -> Response | None:
        try:
            self._check()
        except RunError as error:
            return told(str(error), 410)
        if Headers(scope=scope).get("if-none-match") == tag:
            return Response(status_code=304)
        known = self._desk.known(path)
        if known is None:
            return None
        return Json(known) if path.endswith(".json") else Numbers(known)
