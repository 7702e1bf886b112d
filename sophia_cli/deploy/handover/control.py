"""What the agent says to a launcher, and how it proves which instance answers at an address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Iterable
from enum import Enum, IntEnum
from pathlib import Path

from sophia_cli.core.values import dataclass
from sophia_cli.deploy.link.address import connect
from sophia_cli.project.host.sockets import answering_pids

_LONGEST_ANSWER = 4096
_ACCEPT_POLL_S = 0.002
_ACCEPT_LIMIT_S = 0.25


class LaunchExit(IntEnum):
    """How a launcher ends; the numbers stand in `launcher/specification.py` too, which can import nothing of ours."""

    DRAINED = 0
    SPECIFICATION = 80
    NO_SERVER = 81
    NO_MODULE = 82
    IMPORT_FAILED = 83
    NO_ATTRIBUTE = 84
    NOT_CALLABLE = 85
    STARTUP_FAILED = 86


class Verb(Enum):
    """What a launcher can be asked."""

    STATUS = "status"
    ATTACH = "attach"
    DETACH = "detach"
    DRAIN = "drain"


@dataclass(frozen=True, slots=True)
class InstanceState:
    """What a launcher answers: whether its app has started, whether it accepts publicly, what is still open."""

    started: bool
    attached: bool
    draining: bool
    connections: int


class ControlError(Exception):
    """The launcher refused, went away, or said nothing in time. The text tells which."""


def request_line(verb: Verb, deadline_s: float | None = None) -> bytes:
    """Return the line that asks for something; `deadline_s` counts for a drain."""
    fields: dict[str, object] = {"do": verb.value}
    if deadline_s is not None:
        fields["deadline_s"] = deadline_s
    return json.dumps(fields).encode() + b"\n"


def parse_answer(line: bytes) -> InstanceState:
    """Return the state in an answer; ControlError when it is a refusal or no answer."""
    try:
        fields = json.loads(line)
        state = InstanceState(
            bool(fields["started"]), bool(fields["attached"]), bool(fields["draining"]), int(fields["connections"])
        )
        is_refused, reason = not fields["ok"], str(fields.get("error", ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ControlError("the launcher's answer is not understood") from error
    if is_refused:
        raise ControlError(reason)
    return state


async def ask(
    folder: Path, name: str, verb: Verb, *, deadline_s: float | None = None, timeout_s: float = 5.0
) -> InstanceState:
    """Ask the launcher that listens at `folder/name`; ControlError when it does not do what was asked."""
    try:
        async with asyncio.timeout(timeout_s):
            client = connect(folder, name, timeout_s)
            client.setblocking(False)
            reader, writer = await asyncio.open_unix_connection(sock=client, limit=_LONGEST_ANSWER)
            try:
                writer.write(request_line(verb, deadline_s))
                line = await reader.readline()
            finally:
                writer.close()
                await writer.wait_closed()
    except TimeoutError as error:
        raise ControlError(f"no answer to `{verb.value}` within {timeout_s:g} s") from error
    except (OSError, ValueError) as error:
        raise ControlError(f"no answer to `{verb.value}`: {error}") from error
    return parse_answer(line)


@dataclass(frozen=True, slots=True)
class Proof:
    """What was seen of who answers: the last processes that accepted, and how many connections it took."""

    proved: bool
    seen: frozenset[int]
    tries: int


async def prove_who_answers(
    host: str,
    port: int,
    members: Callable[[], Iterable[int]],
    *,
    request: bytes | None = None,
    tries: int = 64,
    timeout_s: float = 5.0,
) -> Proof:
    """Connect until one of the `members` (pids of the instance) holds the other end and answers there.

    The kernel tells who accepted, so an answer of unknown origin proves nothing. While two instances accept on one
    listener, either may take a connection, hence several tries. With `request`, the member must also answer to it;
    connections that others accepted are closed without a word.
    """
    seen: frozenset[int] = frozenset()
    tried = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            for tried in range(1, tries + 1):
                with contextlib.suppress(OSError), socket.socket(_family(host)) as client:
                    client.setblocking(False)
                    await asyncio.get_running_loop().sock_connect(client, (host, port))
                    seen = await _acceptor(client) or seen
                    if seen & frozenset(members()) and await _answers(client, request):
                        return Proof(True, seen, tried)
    return Proof(False, seen, tried)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


async def _acceptor(client: socket.socket) -> frozenset[int]:
    loop = asyncio.get_running_loop()
    give_up = loop.time() + _ACCEPT_LIMIT_S
    while not (pids := answering_pids(client)) and loop.time() < give_up:
        await asyncio.sleep(_ACCEPT_POLL_S)
    return pids


async def _answers(client: socket.socket, request: bytes | None) -> bool:
    if request is None:
        return True
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, request)
    return bool(await loop.sock_recv(client, 1))
