"""Serving: uvicorn on the listener, with its limits, until the end is wanted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator

import uvicorn

from sophia_cli.agent.web.app import Sources, build_app
from sophia_cli.agent.web.contact import Contact, Word
from sophia_cli.agent.web.events import EventStreams
from sophia_cli.agent.web.protocol import BoundedProtocol
from sophia_cli.agent.web.reader import AgentReader
from sophia_cli.agent.web.token import WebToken
from sophia_cli.project.host.sockets import port_of
from sophia_cli.project.state_folder import StateFolder

log = logging.getLogger(__name__)
_LARGEST_HEAD = 16_384
_KEEP_ALIVE_S = 5
_LAST_ANSWERS_S = 1


async def serve(state: StateFolder, listener: socket.socket, contact: Contact, ended: asyncio.Event) -> None:
    """Serve on a listener until `ended` is set.

    The agent is told before the first answer, so whoever has had one finds callers waiting should this process die.
    """
    token = WebToken(state.path)
    streams = EventStreams(state.path)
    sources = Sources(AgentReader(state.path, asyncio.get_running_loop().time), contact, streams)
    port = port_of(listener)
    config = uvicorn.Config(
        build_app(sources, token),
        http=BoundedProtocol,
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
        h11_max_incomplete_event_size=_LARGEST_HEAD,
    )

    async def serving() -> None:
        log.info("serving on port %d", port)
        await ended.wait()
        streams.end()

    await contact.say(Word(port))
    await _Server(config, serving).serve([listener])


class _Server(uvicorn.Server):
    """uvicorn that wakes up for requests only, and leaves signals to us."""

    def __init__(self, config: uvicorn.Config, serving: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._serving = serving

    async def main_loop(self) -> None:
        """Wait for the end."""
        await self._serving()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Change nothing."""
        yield
