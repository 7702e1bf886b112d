"""`/api/v1/events`: what happens, as server-sent events, each with the number that the agent's state gave it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

from sophia_cli.agent.web.problems import Problem, Refused
from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.link.async_client import open_link
from sophia_cli.deploy.link.messages import Event

_MOST = 16
_WAITING = 100
_AGAIN_S = 0.5
_RETRY_MS = 2_000


class EventStreams:
    """The open streams; `end` ends them all."""

    def __init__(self, folder: Path, heartbeat_s: float = 15.0) -> None:
        self._folder = folder
        self._heartbeat_s = heartbeat_s
        self._open: set[asyncio.Queue[str | None]] = set()

    def begin(self, after: int | None) -> AsyncIterator[str]:
        """Return the frames of a stream after an event, without one from now on; Refused when there are too many."""
        if len(self._open) >= _MOST:
            detail = f"{_MOST} streams of events are open already"
            headers = {"Retry-After": "30"}
            raise Refused(Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-streams", detail, headers))
        return self._stream(after)

    def end(self) -> None:
        """End all streams."""
        for frames in self._open:
            # What waits to be sent is asked for again with the number of the last event that was.
            while not frames.empty():
                frames.get_nowait()
            frames.put_nowait(None)

    async def _stream(self, after: int | None) -> AsyncIterator[str]:
        frames: asyncio.Queue[str | None] = asyncio.Queue(_WAITING)
        self._open.add(frames)
        feeding = asyncio.create_task(self._feed(frames, after))
        try:
            yield f"retry: {_RETRY_MS}\n\n"
            while True:
                try:
                    async with asyncio.timeout(self._heartbeat_s):
                        frame = await frames.get()
                except TimeoutError:
                    frame = ": heartbeat\n\n"
                if frame is None:
                    return
                yield frame
        finally:
            self._open.discard(frames)
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding

    async def _feed(self, frames: asyncio.Queue[str | None], after: int | None) -> None:
        """Follow the agent, and the next one when it goes away: nothing is left out, nothing told twice."""
        while True:
            with contextlib.suppress(SophiaError):
                async with await open_link(self._folder) as link:
                    async for event in link.follow("subscribe", {"after": after}):
                        number = event.data.get("after" if event.kind == "subscribed" else "number")
                        after = number if isinstance(number, int) else after
                        await frames.put(_frame(event, after))
            await asyncio.sleep(_AGAIN_S)


def _frame(event: Event, number: int | None) -> str:
    kind = event.data.get("kind")
    name = kind if isinstance(kind, str) else event.kind
    # JSON holds no line end, and the kinds are words of ours.
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(event.data)}\n\n"
