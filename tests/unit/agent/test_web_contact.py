"""The web API and the agent over a real socket: telling how it is, noticing that it is owned by nobody, events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from sophia_cli.agent.requests.server import Call, Method, Server
from sophia_cli.agent.requests.subscriptions import Subscriptions
from sophia_cli.agent.state.keeper import Keeper
from sophia_cli.agent.web.contact import Contact, Word
from sophia_cli.agent.web.events import EventStreams
from sophia_cli.core.errors import UsageError
from sophia_cli.deploy.link.address import AGENT_SOCKET, listen
from sophia_cli.deploy.link.messages import Fields
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.state_folder import StateFolder

LIMIT_S = 120.0


def told(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story within a limit."""

    async def run() -> None:
        async with asyncio.timeout(LIMIT_S):
            await story()

    asyncio.run(run())


@contextlib.asynccontextmanager
async def agent(folder: Path, **methods: Method) -> AsyncIterator[None]:
    """A server in the agent's place."""
    server = Server(methods)
    await server.start(listen(folder, AGENT_SOCKET))
    try:
        yield
    finally:
        await server.stop()


class Heard:
    """Answers `web` and remembers what was told."""

    def __init__(self) -> None:
        self.words: asyncio.Queue[Fields] = asyncio.Queue()

    async def web(self, call: Call) -> Fields:
        self.words.put_nowait(call.params)
        return {}


async def disown(call: Call) -> Fields:
    raise UsageError("web-process-unknown", "not mine")


def test_it_tells_at_once_and_again_and_again(tmp_path: Path) -> None:
    async def story() -> None:
        heard, ended = Heard(), asyncio.Event()
        async with agent(tmp_path, web=heard.web):
            contact = Contact(tmp_path, ended, beat_s=0.05)
            await contact.say(Word(8002))
            assert (await heard.words.get())["port"] == 8002
            keeping = asyncio.create_task(contact.keep())
            for _ in range(3):
                assert (await heard.words.get())["port"] == 8002
            assert contact.is_there
            await contact.say(Word(note="the port is held"))
            while (await heard.words.get())["note"] is None:
                pass
            ended.set()
            keeping.cancel()

    told(story)


def test_it_ends_when_the_agent_does_not_know_it(tmp_path: Path) -> None:
    async def story() -> None:
        ended = asyncio.Event()
        async with agent(tmp_path, web=disown):
            await Contact(tmp_path, ended).say(Word(8002))
        assert ended.is_set()

    told(story)


def test_it_ends_when_the_agent_is_gone_for_long(tmp_path: Path) -> None:
    async def story() -> None:
        heard, ended = Heard(), asyncio.Event()
        contact = Contact(tmp_path, ended, grace_s=0.5)
        async with agent(tmp_path, web=heard.web):
            await contact.say(Word(8002))
            keeping = asyncio.create_task(contact.keep())
            while not contact.is_there:
                await asyncio.sleep(0.01)
        await keeping
        assert ended.is_set()
        assert not contact.is_there

    told(story)


def test_it_goes_on_with_the_next_agent(tmp_path: Path) -> None:
    async def story() -> None:
        heard, ended = Heard(), asyncio.Event()
        contact = Contact(tmp_path, ended, grace_s=LIMIT_S)
        await contact.say(Word(8002))
        keeping = asyncio.create_task(contact.keep())
        for _ in range(2):
            async with agent(tmp_path, web=heard.web):
                assert (await heard.words.get())["port"] == 8002
        assert not ended.is_set()
        keeping.cancel()

    told(story)


async def next_with(frames: AsyncIterator[str], part: str) -> str:
    async for frame in frames:
        if part in frame:
            return frame
    raise AssertionError(f"the stream ended before {part}")


def test_events_are_followed_from_one_agent_to_the_next(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.ensure()

    async def story() -> None:
        frames = EventStreams(state.path, heartbeat_s=0.05).begin(None)
        assert "heartbeat" in await next_with(frames, "heartbeat")
        with Keeper.open(state, SystemClock()) as keeper:
            keeper.event("api", "early", "before anybody listens")
            async with agent(state.path, subscribe=Subscriptions(keeper).subscribe):
                assert "id: 1\n" in await next_with(frames, "subscribed")
                keeper.event("api", "first", "line one\nline two")
                frame = await next_with(frames, "first")
                assert frame.startswith("id: 2\nevent: first\ndata: {")
                assert frame.count("\n") == 4
            keeper.event("api", "second", "while nobody listens")
            async with agent(state.path, subscribe=Subscriptions(keeper).subscribe):
                assert "id: 3\n" in await next_with(frames, "second")

    told(story)


def test_the_end_of_the_web_api_ends_its_streams(tmp_path: Path) -> None:
    async def story() -> None:
        streams = EventStreams(tmp_path)
        frames = streams.begin(None)
        assert (await anext(frames)).startswith("retry: ")
        streams.end()
        assert [frame async for frame in frames] == []

    told(story)
