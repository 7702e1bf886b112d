"""Talking to the launcher inside an instance, over the control socket below `.sophia/run/`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.link.address import connect

_ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class LauncherState:
    """What a launcher says of itself; `connections` are those that are open."""

    started: bool
    attached: bool
    draining: bool
    connections: int


async def ask_launcher(folder: Path, name: str, verb: str) -> LauncherState:
    """Send one request (`status`, `attach`, `detach`, `drain`) and return the state after it.

    SophiaError (`instance-not-reached`, `instance-refused`) when it does not answer in time, or says no.
    """
    try:
        async with asyncio.timeout(_ANSWER_S):
            connection = connect(folder, name, _ANSWER_S)
            connection.setblocking(False)
            reader, writer = await asyncio.open_unix_connection(sock=connection)
            try:
                writer.write(json.dumps({"do": verb}).encode("ascii") + b"\n")
                line = await reader.readline()
            finally:
                writer.close()
    except OSError as error:
        reason = (
            f"no answer within {_ANSWER_S:g} s" if isinstance(error, TimeoutError) else error.strerror or str(error)
        )
        raise SophiaError("instance-not-reached", f"instance `{name}` does not answer `{verb}`: {reason}") from error
    return _state(line, name, verb)


def _state(line: bytes, name: str, verb: str) -> LauncherState:
    try:
        told = json.loads(line)
        state = LauncherState(
            bool(told["started"]), bool(told["attached"]), bool(told["draining"]), int(told["connections"])
        )
        refusal = None if told["ok"] else str(told["error"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"instance `{name}` answers `{verb}` in a way that is not understood"
        raise SophiaError("instance-not-reached", message) from error
    if refusal is not None:
        raise SophiaError("instance-refused", f"instance `{name}` refuses to {verb}: {refusal}")
    return state
