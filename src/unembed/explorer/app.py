"""The explorer's web application: a pure factory over the contents of a run.

Every answer is a pure function of its path, and carries an ETag: a browser asks again only whether
it still holds. Arrays travel as raw little-endian bytes; their type is the path's ending.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path as File
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from fastapi import FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from unembed.addresses import BANK
from unembed.errors import QueryError, SourceError, UnembedError
from unembed.explorer import answers
from unembed.explorer.contents import Contents
from unembed.questions.run import Run
from unembed.store.manifest import MANIFEST
from unembed.strict_json import dumps
from unembed.version import __version__

HOSTS = ("127.0.0.1", "localhost")
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "frame-src https://www.neuronpedia.org; object-src 'none'; base-uri 'none'"
)
_LARGEST = 2**31 - 1

Bank = Annotated[str, Path(pattern=f"^{BANK}$", max_length=200)]
Number = Annotated[int, Path(ge=0, le=_LARGEST)]
Responses = dict[int | str, dict[str, Any]]


class Numbers(Response):
    """An array as raw little-endian bytes."""

    media_type = "application/octet-stream"

    def __init__(self, array: npt.NDArray[np.generic], status_code: int = 200) -> None:
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        super().__init__(little.tobytes(), status_code)


class Json(JSONResponse):
    """JSON, with null for what is no number."""

    def render(self, content: Any) -> bytes:
        """Return content as bytes."""
        return dumps(content).encode()


def create_app(run: Run, *, hosts: tuple[str, ...] = HOSTS) -> FastAPI:
    """Return the application that shows one run.

    Args:
        run: a finished run.
        hosts: names under which it may be asked; a request for another one is refused, so that no
            other site can reach it through the reader's browser.
    """
    app = FastAPI(
        title="unembed explorer", version=__version__, docs_url=None, redoc_url=None,
        description=f"The run {run.path.name}, for its page.",
    )  # fmt: skip
    app.state.contents = Contents(run)
    _add_answers(app, app.state.contents)
    _add_errors(app)
    _add_headers(app, run)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.mount("/", StaticFiles(directory=page_folder(), html=True))
    return app


def page_folder() -> File:
    """Return the folder of the built page.

    Raises:
        UnembedError: when it was not built.
    """
    folder = File(__file__).parent / "page"
    if not (folder / "index.html").is_file():
        raise UnembedError(
            "The explorer's page was not built. In a checkout of the project, run `make page` "
            "(it needs Node.js); an installed wheel has it."
        )
    return folder


def _add_answers(app: FastAPI, contents: Contents) -> None:
    """Add the paths, all of them GET."""
    missing: Responses = {404: {"description": "There is none."}}
    gone: Responses = missing | {409: {"description": "The weights cannot be read any more."}}

    def is_a(answer: type, among: Responses | None = None) -> Responses:
        return {200: {"model": answer}} | (among or {})

    @app.get("/api/run.json", response_class=Json, responses=is_a(answers.RunFacts))
    def overview() -> Response:
        return Json(contents.overview())

    @app.get("/api/columns/{name}.bin", response_class=Numbers, responses=missing)
    def column(name: Annotated[str, Path(pattern="^[a-z0-9_]+$", max_length=40)]) -> Response:
        return Numbers(contents.column(name))

    @app.get("/api/rows/{page}.json", response_class=Json, responses=is_a(answers.Rows, missing))
    def rows(page: Number) -> Response:
        return Json(contents.rows(page))

    described = is_a(answers.Feature, missing)

    @app.get("/api/features/{bank}/{index}.json", response_class=Json, responses=described)
    def feature(bank: Bank, index: Number) -> Response:
        return Json(contents.feature(bank, index))

    @app.get("/api/features/{bank}/{index}/weights.f32", response_class=Numbers, responses=gone)
    def weights(bank: Bank, index: Number) -> Response:
        return Numbers(contents.weights(bank, index))

    alike = is_a(answers.Nearest, gone)

    @app.get("/api/features/{bank}/{index}/nearest.json", response_class=Json, responses=alike)
    def nearest(bank: Bank, index: Number) -> Response:
        return Json(contents.nearest(bank, index))

    @app.get("/api/sets.json", response_class=Json, responses=is_a(answers.Sets, missing))
    def token_sets() -> Response:
        return Json(contents.token_sets())

    @app.get(
        "/api/sets/{number}.json", response_class=Json, responses=is_a(answers.SetFacts, missing)
    )
    def token_set(number: Number) -> Response:
        return Json(contents.token_set(number))

    @app.get("/api/sets/{number}/members.i32", response_class=Numbers, responses=missing)
    def members(number: Number) -> Response:
        return Numbers(contents.members(number))

    @app.get("/api/sets/{number}/{score}.f32", response_class=Numbers, responses=missing)
    def scores_of_set(number: Number, score: Literal["z", "log10_p", "log10_q"]) -> Response:
        return Numbers(contents.scores_of_set(number, score))

    @app.get("/api/sets/{number}/against/{other}.f32", response_class=Numbers, responses=gone)
    def contrast(number: Number, other: Number) -> Response:
        return Numbers(contents.contrast(number, other))

    @app.get("/api/tokens.json", response_class=Json, responses=is_a(answers.Tokens))
    def tokens() -> Response:
        return Json(contents.tokens())

    @app.get("/api/tokens/{row}.json", response_class=Json, responses=is_a(answers.Token, missing))
    def token(row: Number) -> Response:
        return Json(contents.token(row))

    @app.get("/api/tokens/{row}/weights.f32", response_class=Numbers, responses=gone)
    def token_weights(row: Number) -> Response:
        return Numbers(contents.token_weights(row))

    @app.get("/api/layers.json", response_class=Json, responses=is_a(answers.Layers))
    def layers() -> Response:
        return Json(contents.layers())


def _add_errors(app: FastAPI) -> None:
    """Answer a mistake with its message: what was asked for is not there, or weights are gone."""

    def broken(request: Request, error: Exception) -> Response:
        what = f"This cannot be read ({type(error).__name__}): the run may be damaged."
        return Json({"error": what}, 500)

    def answer(status: int) -> Callable[[Request, Exception], Response]:
        return lambda request, error: Json({"error": str(error)}, status)

    app.add_exception_handler(QueryError, answer(404))
    app.add_exception_handler(SourceError, answer(409))
    app.add_exception_handler(UnembedError, answer(500))
    app.add_exception_handler(Exception, broken)


def _add_headers(app: FastAPI, run: Run) -> None:
    digest, manifest = _digest(run), run.path / MANIFEST
    made = manifest.stat().st_mtime_ns

    def changed() -> bool:
        return not manifest.is_file() or manifest.stat().st_mtime_ns != made

    @app.middleware("http")
    async def headers(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        tag = f'"{hashlib.sha256(f"{digest} {request.url.path}".encode()).hexdigest()[:32]}"'
        of_run = request.url.path.startswith("/api/")
        response: Response
        known = request.method == "GET" and request.headers.get("if-none-match") == tag
        if of_run and request.headers.get("sec-fetch-site") == "cross-site":
            response = Json({"error": "Other sites may not ask."}, 403)
        elif of_run and changed():
            response = Json({"error": f"{run.path} was made anew. Start the explorer again."}, 500)
        elif of_run and known:
            response = Response(status_code=304)
        else:
            response = await call_next(request)
        if of_run and response.status_code in (200, 304):
            response.headers["ETag"] = tag
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def _digest(run: Run) -> str:
    """Return a hash of what all answers depend on: the run, and this version's reading of it."""
    content = hashlib.sha256((run.path / MANIFEST).read_bytes())
    content.update(run.path.resolve().name.encode())
    content.update(__version__.encode())
    return content.hexdigest()
