"""A connection to a reader: one that is slow, or never goes on, holds nothing for long."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from unembed.explorer.limits import CONNECTIONS, HEAD_SECONDS, UNREAD_SECONDS


class Connection(H11Protocol):
    """Uvicorn's, with limits that it has not: on connections, half requests and unread answers."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.abort()
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take some bytes of a request, which has to be whole in time."""
        super().data_received(data)
        waits = self.conn.their_state is h11.IDLE
        if not waits:
            self._end_of_head()
        elif self._head is None and not self.transport.is_closing():
            self._await_head()

    def pause_writing(self) -> None:
        """Note that the other side does not take what is sent."""
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Note that it does."""
        if self._unread:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def _await_head(self) -> None:
        self._head = self.loop.call_later(HEAD_SECONDS, self._late)

    def _end_of_head(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None

    def _late(self) -> None:
        self._head = None
        if self.conn.their_state is h11.IDLE:
            self.transport.abort()

    def _watch(self, waiting: int) -> None:
        """Give up, later, unless by then less is waiting."""

        def look() -> None:
            left = self.transport.get_write_buffer_size()
            if left >= waiting:
                self.transport.abort()
            else:
                self._watch(left)

        self._unread = self.loop.call_later(UNREAD_SECONDS, look)

    def _cancel(self) -> None:
        for timer in (self._head, self._unread):
            if timer:
                timer.cancel()
        self._head = self._unread = None
