"""A command as a probe: in a session of its own, ended with all that it started."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from sophia_cli.core.values import dataclass
from sophia_cli.project.host.ending import Ending, next_step, perform
from sophia_cli.project.host.processes import members_of
from sophia_cli.project.host.spawn import Spawned, SpawnSpec, spawn
from sophia_cli.project.host.spawn_errors import SpawnFailed
from sophia_cli.project.settings.check_model import Command

_SHOWN = 300
_PIPE = 65_536
_LONGEST_KILL_S = 5.0

# Waits for a child that `spawn` started and returns its exit code, a signal as a negative number. A process that reaps
# all its children (the agent) gives one of its own; nobody else may wait for them then.
Wait: TypeAlias = Callable[[Spawned], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class CommandPlace:
    """Where a command runs, with which environment (all of it), and who waits for its end."""

    folder: Path
    environment: Mapping[str, str]
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class CommandEnd:
    """How a command ended: its exit code, negative for a signal, None when it took too long; the end of its output."""

    exit_code: int | None
    output: str


async def run_command(command: Command, place: CommandPlace, timeout_s: float) -> CommandEnd:
    """Run a command to its end or the timeout; afterwards nothing that it started is left.

    SpawnFailed when it cannot be started.
    """
    words = ("/bin/sh", "-c", command.words[0]) if command.shell else command.words
    reading, writing = os.pipe()
    try:
        os.set_blocking(reading, False)
        # A name of its own: that of the instance would make the service's own processes part of what is ended below.
        name = f"probe-{os.getpid()}-{os.urandom(8).hex()}"
        environment = {**place.environment, "SOPHIA_INSTANCE": name}
        spawned = spawn(SpawnSpec(argv=words, env=environment, cwd=place.folder, log=writing))
    except SpawnFailed:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    tail = _Tail(reading)
    loop = asyncio.get_running_loop()
    loop.add_reader(reading, tail.read)
    waiting = asyncio.ensure_future((place.wait or wait_for)(spawned))
    exit_code: int | None = None
    try:
        done, _ = await asyncio.wait((waiting,), timeout=timeout_s)
        exit_code = waiting.result() if done else None
    finally:
        await _end_all(spawned, name)
        await waiting
        tail.read()
        loop.remove_reader(reading)
        os.close(reading)
        if spawned.pidfd is not None:
            os.close(spawned.pidfd)
    return CommandEnd(exit_code, tail.text())


async def wait_for(spawned: Spawned) -> int:
    """Wait for a child in a process that reaps no others; its exit code, a signal as a negative number."""
    loop = asyncio.get_running_loop()
    if spawned.pidfd is None:
        _, status = await loop.run_in_executor(None, os.waitpid, spawned.identity.pid, 0)
        return os.waitstatus_to_exitcode(status)
    ended = asyncio.Event()
    loop.add_reader(spawned.pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(spawned.pidfd)
    _, status = os.waitpid(spawned.identity.pid, 0)
    return os.waitstatus_to_exitcode(status)


async def _end_all(spawned: Spawned, name: str) -> None:
    """Kill what is left of a command: it, its session, its descendants."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + _LONGEST_KILL_S
    ending = Ending(spawned.identity, name, deadline=0.0)
    while loop.time() < give_up:
        step = next_step(ending, members_of(spawned.identity, name), 1.0)
        perform(step.signals)
        if step.look_again_s is None:
            return
        ending = step.ending
        await asyncio.sleep(step.look_again_s)


class _Tail:
    """The end of what comes through a pipe."""

    def __init__(self, reading: int) -> None:
        self._reading = reading
        self._kept = bytearray()

    def read(self) -> None:
        """Take what is there."""
        while True:
            try:
                piece = os.read(self._reading, _PIPE)
            except BlockingIOError:
                return
            if not piece:
                # Readable for good from here on; nothing more comes.
                asyncio.get_running_loop().remove_reader(self._reading)
                return
            self._kept += piece
            del self._kept[:-_SHOWN]

    def text(self) -> str:
        """Return what was kept, as text."""
        return self._kept.decode("utf-8", "replace").strip()
