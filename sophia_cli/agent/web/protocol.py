"""HTTP connections with deadlines, which uvicorn alone does not have: nobody holds one by being slow."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_MOST_CONNECTIONS = 100
# A body that nobody asked for is read (and dropped) so far that its sender gets to see the refusal.
_MOST_DROPPED = 1_048_576
_UNFINISHED = frozenset({h11.IDLE, h11.SEND_BODY})


class BoundedProtocol(H11Protocol):
    """One connection. When there are too many, the one that waits longest for a request makes room.

    A whole request, head and body, has to be there `request_s` seconds after its connection is free for it; whoever
    reads nothing of an answer for `read_s` seconds is cut off.
    """

    request_s = 10.0
    read_s = 30.0
    _opened_at = 0.0
    _dropped = 0
    _request_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        """Begin to count the time."""
        super().connection_made(transport)
        self._opened_at = self.loop.time()
        self._follow()
        if len(self.connections) > _MOST_CONNECTIONS:
            waiting = [one for one in self.connections if isinstance(one, BoundedProtocol) and one.is_unfinished]
            min(waiting, key=lambda one: one._opened_at).transport.abort()

    @property
    def is_unfinished(self) -> bool:
        """Whether the request of the connection is not complete."""
        return self.conn.their_state in _UNFINISHED

    def data_received(self, data: bytes) -> None:
        """Take what came; too much of a body ends the connection."""
        if self.conn.their_state is h11.SEND_BODY:
            self._dropped += len(data)
            if self._dropped > _MOST_DROPPED:
                self.transport.abort()
                return
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._follow()

    def pause_writing(self) -> None:
        """Begin to wait for a reader."""
        super().pause_writing()
        if self._read_timer is None:
            self._read_timer = self.loop.call_later(self.read_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The reader reads."""
        super().resume_writing()
        self._stop_reading_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        self._stop_request_timer()
        self._stop_reading_timer()
        super().connection_lost(exc)

    def _follow(self) -> None:
        """Have a deadline run exactly while a request is not complete."""
        if not self.is_unfinished:
            self._dropped = 0
            self._stop_request_timer()
        elif self._request_timer is None and not self.transport.is_closing():
            self._request_timer = self.loop.call_later(self.request_s, self.transport.abort)

    def _stop_request_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _stop_reading_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None
