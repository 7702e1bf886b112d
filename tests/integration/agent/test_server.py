"""The agent's socket over a real connection: answers, events, errors, and what a bad peer can do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from sophia_cli.agent.requests.server import Call, Server
from sophia_cli.core.errors import ExitCode, SophiaError, UsageError
from sophia_cli.deploy.link.address import AGENT_SOCKET, listen
from sophia_cli.deploy.link.client import AgentLink, connect_agent
from sophia_cli.deploy.link.messages import LONGEST_LINE, Event, Fields

Result = TypeVar("Result")
LIMIT_S = 120.0


async def greet(call: Call) -> Fields:
    call.tell("step", {"of": call.text("name")})
    return {"greeting": f"hello {call.text('name')}"}


async def refuse(call: Call) -> Fields:
    raise UsageError("no-such-thing", "there is no such thing", hint="look elsewhere")


async def break_down(call: Call) -> Fields:
    raise LookupError("a mistake of ours")


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[None]:
    server = Server({"greet": greet, "refuse": refuse, "break": break_down})
    await server.start(listen(folder, AGENT_SOCKET))
    try:
        yield
    finally:
        await server.stop()


def with_agent(folder: Path, use: Callable[[AgentLink], Result]) -> Result:
    """Return what the blocking client got from a server in the same process."""

    def used() -> Result:
        link = connect_agent(folder)
        assert link is not None
        with link:
            return use(link)

    async def story() -> Result:
        async with serving(folder):
            return await asyncio.to_thread(used)

    return asyncio.run(story())


def test_a_question_is_answered_and_events_come_before_the_answer(tmp_path: Path) -> None:
    seen: list[Event] = []
    answer = with_agent(tmp_path, lambda link: link.ask("greet", {"name": "tea"}, seen=seen.append))
    assert answer == {"greeting": "hello tea"}
    assert [(event.kind, event.data) for event in seen] == [("step", {"of": "tea"})]


def test_an_error_arrives_as_it_was_raised(tmp_path: Path) -> None:
    with pytest.raises(SophiaError) as caught:
        with_agent(tmp_path, lambda link: link.ask("refuse"))
    error = caught.value
    assert (error.reference, error.message, error.hint) == ("no-such-thing", "there is no such thing", "look elsewhere")
    assert error.exit_code is ExitCode.USAGE


def test_a_mistake_of_ours_does_not_look_like_the_users(tmp_path: Path) -> None:
    with pytest.raises(SophiaError) as caught:
        with_agent(tmp_path, lambda link: link.ask("break"))
    assert (caught.value.reference, caught.value.exit_code) == ("bug-in-sophia", ExitCode.BUG)


def test_an_unknown_method_and_a_wrong_parameter_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SophiaError, match="knows no `fly`"):
        with_agent(tmp_path, lambda link: link.ask("fly"))
    with pytest.raises(SophiaError, match="`name` is not a string"):
        with_agent(tmp_path, lambda link: link.ask("greet", {"name": 3}))


def test_the_socket_is_private_and_works_below_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 6)
    folder.mkdir(parents=True)
    with_agent(folder, lambda link: link.ask("greet", {"name": "tea"}))
    assert stat.S_IMODE((folder / AGENT_SOCKET).stat().st_mode) == 0o600


def test_no_agent_is_no_error(tmp_path: Path) -> None:
    assert connect_agent(tmp_path) is None
    listen(tmp_path, AGENT_SOCKET).close()
    assert connect_agent(tmp_path) is None


@pytest.mark.parametrize(
    "line",
    [b"nonsense\n", b"[]\n", b'{"id": true, "method": "greet"}\n', b'{"id": 1, "method": 3}\n', b"[" * 9000 + b"\n"],
)
def test_a_bad_line_is_refused_and_the_next_one_answered(tmp_path: Path, line: bytes) -> None:
    async def story() -> list[dict[str, object]]:
        async with serving(tmp_path):
            reader, writer = await asyncio.open_unix_connection(tmp_path / AGENT_SOCKET)
            writer.write(line + b'{"id": 2, "method": "greet", "params": {"name": "tea"}}\n')
            lines = [await asyncio.wait_for(reader.readline(), LIMIT_S) for _ in range(3)]
            writer.close()
            return [json.loads(text) for text in lines]

    refused, _, answered = asyncio.run(story())
    assert "error" in refused
    assert answered["result"] == {"greeting": "hello tea"}


def test_a_line_without_end_ends_that_connection_only(tmp_path: Path) -> None:
    async def story() -> bool:
        async with serving(tmp_path):
            reader, writer = await asyncio.open_unix_connection(tmp_path / AGENT_SOCKET)
            with contextlib.suppress(ConnectionError):
                writer.write(b"x" * (LONGEST_LINE + 100_000))
                await asyncio.wait_for(writer.drain(), LIMIT_S)
                assert await asyncio.wait_for(reader.read(), LIMIT_S) == b""
            writer.close()
            other, second = await asyncio.open_unix_connection(tmp_path / AGENT_SOCKET)
            second.write(b'{"id": 1, "method": "refuse"}\n')
            answer = await asyncio.wait_for(other.readline(), LIMIT_S)
            second.close()
            return b"no-such-thing" in answer

    assert asyncio.run(story())
