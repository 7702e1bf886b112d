"""Talking to HAProxy: its runtime API over the Unix socket that the agent made for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.link.address import connect

_ANSWER_S = 2.0
_CHUNK = 1 << 16
# One line holds as much as a buffer of HAProxy's.
_MOST_COMMANDS = 64


async def tell(folder: Path, name: str, commands: Sequence[str]) -> str:
    """Give commands to the HAProxy that listens at `folder/name` and return what it says.

    SophiaError (`proxy-not-reached`) when it does not answer in time.
    """
    said = ""
    for start in range(0, len(commands), _MOST_COMMANDS):
        said += await _tell(folder, name, ";".join(commands[start : start + _MOST_COMMANDS]))
    return said


async def _tell(folder: Path, name: str, line: str) -> str:
    try:
        async with asyncio.timeout(_ANSWER_S):
            connection = connect(folder, name, _ANSWER_S)
            connection.setblocking(False)
            reader, writer = await asyncio.open_unix_connection(sock=connection)
            try:
                writer.write(f"{line}\n".encode("ascii"))
                said = b""
                while chunk := await reader.read(_CHUNK):
                    said += chunk
            finally:
                writer.close()
    except OSError as error:
        slow = isinstance(error, TimeoutError)
        reason = f"no answer within {_ANSWER_S:g} s" if slow else error.strerror or str(error)
        raise SophiaError("proxy-not-reached", f"HAProxy does not answer: {reason}") from error
    return said.decode("utf-8", "replace")
