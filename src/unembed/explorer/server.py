"""The explorer's server: one run, this machine only."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from threading import Thread

import uvicorn

from unembed.errors import UnembedError
from unembed.explorer.app import HOSTS, create_app
from unembed.explorer.connection import Connection
from unembed.explorer.contents import Contents
from unembed.explorer.desk import Desk
from unembed.explorer.limits import HEAD_BYTES, IDLE_SECONDS, WAITING
from unembed.questions.run import Run

PORT = 8377
_HOST = HOSTS[0]


def serve(
    run: Run, *, port: int | None = None, ready: Callable[[str], None] = lambda address: None
) -> bool:
    """Serve the explorer until it is stopped (Ctrl-C).

    Args:
        run: a finished run.
        port: to listen at; 0 for any that is free. Unless given, 8377, or any if it is taken.
        ready: told the address once it answers.

    Returns:
        Whether nothing is being computed any more. A program that ends waits for the rest.

    Raises:
        UnembedError: when the port is taken, or the page was not built.
    """
    with _listening(port) as listener:
        server = _server(run, ready, listener)
        with closing(server.desk), suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    return not server.desk.busy


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
        self._server.desk.close()
        self._listening.__exit__(None, None, None)


class _Server(uvicorn.Server):
    """Uvicorn's, which says when it answers."""

    def __init__(self, config: uvicorn.Config, desk: Desk, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.desk = desk
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _server(run: Run, ready: Callable[[str], None], listener: socket.socket) -> _Server:
    app = create_app(run)
    contents: Contents = app.state.contents
    desk: Desk = app.state.desk
    contents.overview()
    config = uvicorn.Config(
        app, http=Connection, ws="none", log_level="critical", lifespan="off", server_header=False,
        date_header=False, backlog=WAITING, h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=IDLE_SECONDS, timeout_graceful_shutdown=0,
    )  # fmt: skip

    def started() -> None:
        ready(_address(listener))
        if contents.run.elsewhere is None:  # else only what is looked at is fetched
            desk.begin(contents.warm)

    return _Server(config, desk, started)


@contextmanager
def _listening(port: int | None) -> Iterator[socket.socket]:
    # named as TCP, asyncio sends at once: else each answer's body waits 40 ms for an acknowledgment
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
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
