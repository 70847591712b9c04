"""The explorer's web application: a pure factory over the contents of a run.

Every answer is a pure function of its path, and carries an ETag: a browser asks again only whether
it still holds. Arrays travel as raw little-endian bytes; their type is the path's ending.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path as File
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import FastAPI, Path, Request, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BeforeValidator
from starlette.middleware.trustedhost import TrustedHostMiddleware

from unembed.addresses import BANK
from unembed.errors import QueryError, RunError, SourceError, UnembedError
from unembed.explorer import answers
from unembed.explorer.contents import Array, Contents
from unembed.explorer.desk import Desk
from unembed.explorer.gate import Gate, Json, Known, Numbers, json_bytes, told
from unembed.questions.run import Run
from unembed.store.files import RunFiles
from unembed.store.manifest import MANIFEST
from unembed.version import __version__

HOSTS = ("127.0.0.1", "localhost")
_LARGEST = 2**31 - 1


def _plain(number: str) -> str:
    """Return a number's text if it is the only one for it: an answer has one path."""
    if not re.fullmatch("0|[1-9][0-9]*", number):
        raise ValueError("a number is written in plain digits")
    return number


Bank = Annotated[str, Path(pattern=f"^{BANK}$", max_length=200)]
Number = Annotated[int, Path(ge=0, le=_LARGEST), BeforeValidator(_plain)]
Responses = dict[int | str, dict[str, Any]]


def create_app(run: Run, *, hosts: tuple[str, ...] = HOSTS) -> FastAPI:
    """Return the application that shows one run.

    Its state has the `contents` of the run, and the `desk` at which answers are made; close that
    where the application is not needed any more.

    Args:
        run: a finished run.
        hosts: names under which it may be asked; a request for another one is refused, so that no
            other site can reach it through the reader's browser.
    """
    app = FastAPI(
        title="unembed explorer", version=__version__, docs_url=None, redoc_url=None,
        description=f"The run {run.name}, for its page.",
    )  # fmt: skip
    app.state.contents, app.state.desk = Contents(run), Desk()
    _add_answers(app, app.state.contents, app.state.desk)
    # the last one added is passed first
    app.add_middleware(Known, desk=app.state.desk, digest=_digest(run), check=_checker(run))
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_middleware(Gate)
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


def _add_answers(app: FastAPI, contents: Contents, desk: Desk) -> None:
    """Add the paths, all of them GET."""
    missing: Responses = {404: {"description": "There is none."}}
    gone: Responses = missing | {409: {"description": "The weights cannot be read any more."}}

    def is_a(answer: type, among: Responses | None = None) -> Responses:
        return {200: {"model": answer}} | (among or {})

    async def json(request: Request, make: Callable[[], object]) -> Response:
        return await _made(desk, request, Json, lambda: json_bytes(make()))

    async def numbers(request: Request, make: Callable[[], Array]) -> Response:
        return await _made(desk, request, Numbers, lambda: _little(make()))

    @app.get("/api/run.json", response_class=Json, responses=is_a(answers.RunFacts))
    async def overview(request: Request) -> Response:
        return await json(request, contents.overview)

    @app.get("/api/columns/{name}.bin", response_class=Numbers, responses=missing)
    async def column(
        request: Request, name: Annotated[str, Path(pattern="^[a-z0-9_]+$", max_length=40)]
    ) -> Response:
        return await numbers(request, lambda: contents.column(name))

    @app.get("/api/rows/{page}.json", response_class=Json, responses=is_a(answers.Rows, missing))
    async def rows(request: Request, page: Number) -> Response:
        return await json(request, lambda: contents.rows(page))

    described = is_a(answers.Feature, missing)

    @app.get("/api/features/{bank}/{index}.json", response_class=Json, responses=described)
    async def feature(request: Request, bank: Bank, index: Number) -> Response:
        return await json(request, lambda: contents.feature(bank, index))

    @app.get("/api/features/{bank}/{index}/weights.f32", response_class=Numbers, responses=gone)
    async def weights(request: Request, bank: Bank, index: Number) -> Response:
        return await numbers(request, lambda: contents.weights(bank, index))

    alike = is_a(answers.Nearest, gone)

    @app.get("/api/features/{bank}/{index}/nearest.json", response_class=Json, responses=alike)
    async def nearest(request: Request, bank: Bank, index: Number) -> Response:
        return await json(request, lambda: contents.nearest(bank, index))

    @app.get("/api/sets.json", response_class=Json, responses=is_a(answers.Sets, missing))
    async def token_sets(request: Request) -> Response:
        return await json(request, contents.token_sets)

    @app.get(
        "/api/sets/{number}.json", response_class=Json, responses=is_a(answers.SetFacts, missing)
    )
    async def token_set(request: Request, number: Number) -> Response:
        return await json(request, lambda: contents.token_set(number))

    @app.get("/api/sets/{number}/members.i32", response_class=Numbers, responses=missing)
    async def members(request: Request, number: Number) -> Response:
        return await numbers(request, lambda: contents.members(number))

    @app.get("/api/sets/{number}/{score}.f32", response_class=Numbers, responses=missing)
    async def scores_of_set(
        request: Request, number: Number, score: Literal["z", "log10_p", "log10_q"]
    ) -> Response:
        return await numbers(request, lambda: contents.scores_of_set(number, score))

    @app.get("/api/sets/{number}/against/{other}.f32", response_class=Numbers, responses=gone)
    async def contrast(request: Request, number: Number, other: Number) -> Response:
        return await numbers(request, lambda: contents.contrast(number, other))

    @app.get("/api/tokens.json", response_class=Json, responses=is_a(answers.Tokens))
    async def tokens(request: Request) -> Response:
        return await json(request, contents.tokens)

    @app.get("/api/ties.i32", response_class=Numbers, responses=gone)
    async def ties(request: Request) -> Response:
        return await numbers(request, contents.ties)

    @app.get("/api/ties_read.i32", response_class=Numbers, responses=gone)
    async def ties_read(request: Request) -> Response:
        return await numbers(request, lambda: contents.ties(reads=True))

    @app.get("/api/tokens/{row}.json", response_class=Json, responses=is_a(answers.Token, missing))
    async def token(request: Request, row: Number) -> Response:
        return await json(request, lambda: contents.token(row))

    @app.get("/api/tokens/{row}/weights.f32", response_class=Numbers, responses=gone)
    async def token_weights(request: Request, row: Number) -> Response:
        return await numbers(request, lambda: contents.token_weights(row))

    @app.get("/api/layers.json", response_class=Json, responses=is_a(answers.Layers))
    async def layers(request: Request) -> Response:
        return await json(request, contents.layers)


async def _made(
    desk: Desk, request: Request, kind: type[Response], make: Callable[[], bytes]
) -> Response:
    """Return an answer, or the mistake: what was asked for is not there, or weights are gone."""
    try:
        return kind(await desk.answer(request.scope["path"], make))
    except QueryError as error:
        return told(str(error), 404)
    except SourceError as error:
        return told(str(error), 409)
    except UnembedError as error:
        return told(str(error), 410)
    except Exception as error:
        what = f"This cannot be read ({type(error).__name__}): the run may be damaged."
        return told(what, 500)


def _little(array: Array) -> bytes:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def _checker(run: Run) -> Callable[[], None]:
    """Return what raises RunError once a run is not the one that was opened."""
    manifest = run.path / MANIFEST
    made = manifest.stat().st_mtime_ns

    def check() -> None:
        try:
            now = manifest.stat().st_mtime_ns
        except OSError as error:
            raise RunError(
                f"{run.place} is not there any more. Put it back, and start the explorer again."
            ) from error
        if now != made:
            raise RunError(f"{run.place} was made anew. Start the explorer again.")

    return check


def _digest(run: Run) -> str:
    """Return a hash of what all answers depend on: the run, what is beside it, and this version."""
    content = hashlib.sha256((run.path / MANIFEST).read_bytes())
    for path in RunFiles(run.manifest).added:
        with suppress(FileNotFoundError):
            found = (run.path / path).stat()
            content.update(f"{path} {found.st_size} {found.st_mtime_ns}".encode())
    content.update(os.fsencode(run.name))
    content.update(__version__.encode())
    return content.hexdigest()
