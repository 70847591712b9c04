"""The explorer's server: one run, this machine only."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import uvicorn

from unembed.errors import UnembedError
from unembed.explorer.app import HOSTS, create_app
from unembed.explorer.contents import Contents
from unembed.questions.run import Run

PORT = 8377
_HOST = HOSTS[0]


def serve(
    run: Run, *, port: int | None = None, ready: Callable[[str], None] = lambda address: None
) -> None:
    """Serve the explorer until it is stopped (Ctrl-C).

    Args:
        run: a finished run.
        port: to listen at; 0 for any that is free. Unless given, 8377, or any if it is taken.
        ready: told the address once it answers.

    Raises:
        UnembedError: when the port is taken, or the page was not built.
    """
    with _listening(port) as listener, suppress(KeyboardInterrupt):
        _server(run, ready, listener).run(sockets=[listener])


class Background:
    """An explorer that runs beside a program, such as a notebook, as long as that lives.

    A notebook shows its page in the cell.

    Args:
        run: a finished run.
        port: as for `serve`.
        height: of the cell, in pixels.

    Attributes:
        address: of its page.

    Raises:
        UnembedError: as `serve` does.
    """

    def __init__(self, run: Run, *, port: int | None = None, height: int = 900) -> None:
        self._height = height
        self._listening = _listening(port)
        listener = self._listening.__enter__()
        self.address = _address(listener)
        try:
            self._server = _server(run, lambda address: None, listener)
        except BaseException:
            self._listening.__exit__(None, None, None)
            raise
        self._thread = Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, daemon=True, name="explorer"
        )
        self._thread.start()

    def __repr__(self) -> str:
        return f"Explorer at {self.address}"

    def _repr_html_(self) -> str:
        return (
            f'<iframe src="{self.address}" width="100%" height="{self._height}" '
            f'style="border: 1px solid #ccc" title="unembed explorer"></iframe>'
        )

    def stop(self) -> None:
        """Stop it, and give back its port."""
        self._server.should_exit = True
        self._thread.join()
        self._listening.__exit__(None, None, None)


class _Server(uvicorn.Server):
    """Uvicorn's, which says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _server(run: Run, ready: Callable[[str], None], listener: socket.socket) -> _Server:
    app = create_app(run)
    contents: Contents = app.state.contents
    contents.overview()
    config = uvicorn.Config(app, log_level="critical", lifespan="off", server_header=False)

    def started() -> None:
        ready(_address(listener))
        Thread(target=_warmed, args=[contents], daemon=True, name="explorer-ahead").start()

    return _Server(config, started)


def _warmed(contents: Contents) -> None:
    """Read ahead; what cannot be had is said when it is asked for."""
    with suppress(Exception):
        contents.warm()


@contextmanager
def _listening(port: int | None) -> Iterator[socket.socket]:
    with socket.socket() as listener:
        if sys.platform == "win32":  # where SO_REUSEADDR lets two programs have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, PORT if port is None else port))
        except (OSError, OverflowError) as error:
            if port is not None:
                raise UnembedError(
                    f"Port {port} cannot be had ({error}): another program may use it. Give "
                    "another one, or none."
                ) from error
            listener.bind((_HOST, 0))
        listener.listen()
        yield listener


def _address(listener: socket.socket) -> str:
    return f"http://{_HOST}:{listener.getsockname()[1]}/"
