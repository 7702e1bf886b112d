"""What is asked of instances: the probes of the settings, and whether a service without any serves at all."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sophia_cli.agent.instances.control import ask_launcher
from sophia_cli.checks.endpoint import Endpoint
from sophia_cli.checks.probe import ProbeResult
from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.handover.control import Verb
from sophia_cli.project.host.polling import polls_socket
from sophia_cli.project.host.sockets import inode_of, server_side, socket_holders

# Starting takes a few hundred milliseconds; asking costs a fraction of one. What answers already is about to be there.
_BOOT_INTERVAL_S = 0.025
_SOON_S = 0.003
_ACCEPT_S = 0.25
_LOOK_S = 0.005
# Once an instance is ready, nothing waits for its readiness: asking less often keeps an idle agent idle. Servers keep
# connections for five seconds.
_STEADY_S = 4.0


class Asks(Protocol):
    """Asks one question again and again."""

    async def run(self) -> ProbeResult:
        """Ask once."""

    def close(self) -> None:
        """Close what was kept open."""


class DeclaredAsker:
    """A probe of the settings. With `eases`, what passed is asked again after four seconds or more."""

    def __init__(self, prober: Asks, interval_s: float, *, eases: bool) -> None:
        self._prober = prober
        self._declared_s = interval_s
        self._eases = eases
        self.interval_s = interval_s

    async def run(self) -> ProbeResult:
        """Ask once."""
        result = await self._prober.run()
        is_steady = self._eases and result.passed
        self.interval_s = _until_next(max(self._declared_s, _STEADY_S)) if is_steady else self._declared_s
        return result

    def close(self) -> None:
        """Close the kept connection."""
        self._prober.close()


def _until_next(interval_s: float) -> float:
    """Return the wait until the next multiple of an interval: what all ask at one moment wakes the agent once."""
    wait = interval_s - time.monotonic() % interval_s
    return wait if wait > interval_s / 8 else wait + interval_s


class LauncherBoot:
    """Asks the launcher whether the app has started."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self.interval_s = _SOON_S / 2

    async def run(self) -> ProbeResult:
        """Ask once; a launcher that does not listen yet has not started."""
        started = time.perf_counter()
        self.interval_s = min(2 * self.interval_s, _BOOT_INTERVAL_S)
        try:
            state = await ask_launcher(self._folder, self._name, Verb.STATUS)
        except SophiaError as error:
            return ProbeResult(False, error.message, time.perf_counter() - started)
        detail = "the app has started" if state.started else "the app is starting"
        return ProbeResult(state.started, detail, time.perf_counter() - started)

    def close(self) -> None:
        """Nothing is kept open."""


class AcceptingBoot:
    """Looks whether a process of the instance takes connections: the kernel alone would accept them for anybody."""

    interval_s = _BOOT_INTERVAL_S

    def __init__(
        self, endpoint: Endpoint, members: Callable[[], frozenset[int]], listener: socket.socket | None
    ) -> None:
        self._endpoint = endpoint
        self._members = members
        self._listener = listener

    async def run(self) -> ProbeResult:
        """Look whether a process waits on the listener, else connect once and see who takes it."""
        started = time.perf_counter()
        passed = waits_on(self._listener, self._members()) or await accepts(self._endpoint, self._members)
        detail = f"{self._endpoint} is served" if passed else f"no process of the instance accepts on {self._endpoint}"
        return ProbeResult(passed, detail, time.perf_counter() - started)

    def close(self) -> None:
        """Nothing is kept open."""


class ServedFirst:
    """A TCP probe of the instance's own address: the kernel accepts for whoever holds the listener, so a connection
    counts only once `boot` has seen that the instance takes them.
    """

    def __init__(self, boot: Asks, prober: Asks) -> None:
        self._boot = boot
        self._prober = prober
        self._is_served = False

    async def run(self) -> ProbeResult:
        """Ask once."""
        if self._is_served:
            return await self._prober.run()
        result = await self._boot.run()
        self._is_served = result.passed
        return result

    def close(self) -> None:
        """Close what either keeps open."""
        self._boot.close()
        self._prober.close()


def waits_on(listener: socket.socket | None, pids: frozenset[int]) -> bool:
    """Whether one of some processes waits for connections on a listener that it shares with others."""
    return listener is not None and any(polls_socket(pid, inode_of(listener)) for pid in pids)


async def accepts(endpoint: Endpoint, members: Callable[[], frozenset[int]]) -> bool:
    """Return whether one of some processes took one connection to an address."""
    try:
        async with asyncio.timeout(_ACCEPT_S):
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except OSError:
        return False
    try:
        connection = writer.get_extra_info("socket")
        give_up = time.monotonic() + _ACCEPT_S
        while time.monotonic() < give_up:
            # The other end has an inode once somebody has accepted it.
            inode = server_side(connection)
            if inode is not None:
                return bool(socket_holders(frozenset((inode,)), members()))
            await asyncio.sleep(_LOOK_S)
        return False
    except OSError:
        return False
    finally:
        writer.transport.abort()
