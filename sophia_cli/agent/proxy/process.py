"""One HAProxy process: started with the listeners of its fronts, started again when it dies, adopted by the next agent.

A process serves the fronts that it was started with; their servers change over its runtime API. Another front takes
another process: both accept for a moment, then the older one gives up its fronts (`retired`) and ends with its callers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from sophia_cli.agent.instances.instance import Asker, Instance, InstanceName, Record, Surroundings, is_over, is_ready
from sophia_cli.agent.instances.log_files import LogFile
from sophia_cli.agent.listening.listeners import Listeners
from sophia_cli.agent.proxy.link import tell
from sophia_cli.agent.state.keeper import Keeper
from sophia_cli.checks.probe import ProbeResult
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.service_status import Role
from sophia_cli.core.values import dataclass, replace
from sophia_cli.deploy.link.address import listen
from sophia_cli.deploy.strict.commands import (
    SHOW_COUNTERS,
    SHOW_INFO,
    SHOW_SERVERS,
    Counted,
    UnreadableAnswer,
    arrangements,
    counted,
    retiring,
)
from sophia_cli.deploy.strict.configuration import Capacity, configuration
from sophia_cli.deploy.strict.model import Address, Front
from sophia_cli.deploy.supervisor_events import (
    ActOnIncident,
    CloseIncident,
    OpenIncident,
    StartRequested,
    StopRequested,
)
from sophia_cli.deploy.supervisor_model import Policy, Probing, Threshold
from sophia_cli.project.host.haproxy import require_haproxy
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.processes import send_signal
from sophia_cli.project.host.sockets import port_of
from sophia_cli.project.host.spawn import Limits, Spawned, SpawnSpec, spawn
from sophia_cli.project.settings.service_model import RestartWhen

log = logging.getLogger(__name__)
# No service of a project can be called so.
PROXY_SERVICE = "@haproxy"
PROXY_LOG = "agent.proxy.log"
LARGEST_PROXY_LOG = 2_000_000
CONTROL = 3
_START_LOOK_S = 0.01
_LOOK_S = 5.0
_DOUBT_S = 0.1
_FOREVER = 1_000_000
_MOST_CONNECTIONS = 10_000
_OWN_FILES = 100
_POLICY = Policy(
    when=RestartWhen.ALWAYS,
    backoff_s=0.02,
    max_backoff_s=5.0,
    max_restarts=_FOREVER,
    start_timeout_s=10.0,
    stop_timeout_s=2.0,
    startup=Threshold(failures=_FOREVER),
    liveness=Threshold(failures=2),
)


@dataclass(frozen=True, slots=True)
class ProxyPlace:
    """Where the proxies of a project keep their files, and what they need of the agent."""

    folder: Path
    log: LogFile
    listeners: Listeners
    record: Record


@dataclass(frozen=True, slots=True)
class Retiring:
    """A front whose callers are sent to an address instead, None for nowhere; it may still accept them."""

    front: Front
    to: Address | None
    is_open: bool


class ProxyProcess:
    """A HAProxy: the fronts that it serves and those that it gave up, by service. Later ones have larger numbers."""

    def __init__(self, number: int, place: ProxyPlace, around: Surroundings) -> None:
        self.number = number
        self.fronts: dict[str, Front] = {}
        self.retiring: dict[str, Retiring] = {}
        self.is_known = True
        self._place = place
        self._name = f"proxy-{number}"
        own = replace(around, starter=self, record=place.record)
        name = InstanceName(f"{PROXY_SERVICE}-{number}", PROXY_SERVICE, 0, number)
        self._instance = Instance(name, _POLICY, Role.ACTIVE, "proxy", own, is_public=True)
        self._instance.supervise(_POLICY)

    @property
    def identity(self) -> ProcessIdentity | None:
        """The process, None while none runs."""
        return self._instance.identity

    @property
    def is_over(self) -> bool:
        """Whether it runs no more and will not be started again."""
        return is_over(self._instance.state)

    async def begin(self, fronts: Mapping[str, Front]) -> None:
        """Start it and return once it serves; SophiaError says why it does not."""
        self.fronts = dict(fronts)
        self._instance.send(StartRequested())
        await self._instance.until(lambda state: is_ready(state) or is_over(state) or state.reason is not None)
        if not is_ready(self._instance.state):
            reason = self._instance.state.reason or "it ended"
            raise SophiaError("proxy-not-started", f"HAProxy does not start: {reason}")

    def adopt(self, identity: ProcessIdentity) -> None:
        """Take over a process that an earlier agent started; what it serves is to be asked."""
        self.is_known = False
        self._instance.adopt(identity, is_ready=True)

    async def tell(self, commands: Sequence[str]) -> str:
        """Give it commands and return what it says; SophiaError."""
        return await tell(self._place.folder, self._name, commands)

    async def counted(self) -> Counted:
        """Return its counters; SophiaError."""
        try:
            return counted(await self.tell((SHOW_COUNTERS,)))
        except UnreadableAnswer as error:
            raise SophiaError("proxy-not-understood", f"HAProxy answers in an unknown form: {error}") from error

    async def arranged(self) -> dict[str, Front]:
        """Return its fronts as it has them, closed ones too; SophiaError."""
        try:
            return dict(arrangements(await self.tell((SHOW_SERVERS,))))
        except UnreadableAnswer as error:
            raise SophiaError("proxy-not-understood", f"HAProxy answers in an unknown form: {error}") from error

    async def learn(self) -> None:
        """Find out what one that was adopted serves, and where it sends the callers of the rest; SophiaError."""
        open_fronts = (await self.counted()).open_fronts
        servers = await self.arranged()
        for service in open_fronts | servers.keys():
            front = servers.get(service) or Front(service, "127.0.0.1", 1, ())
            if service in open_fronts:
                self.fronts[service] = front
            else:
                self.retiring[service] = Retiring(front, front.address, is_open=False)
        self.is_known = True

    async def until_ready(self) -> None:
        """Wait until it serves again, should it be between two processes; SophiaError when that takes too long."""
        try:
            async with asyncio.timeout(_POLICY.start_timeout_s):
                await self._instance.until(lambda state: is_ready(state) or is_over(state))
        except TimeoutError as error:
            reason = self._instance.state.reason or "it does not answer"
            raise SophiaError("proxy-not-started", f"HAProxy does not come up: {reason}") from error

    def give_up(self, service: str) -> None:
        """Serve a service no more; its callers are to be sent on."""
        self.retiring[service] = Retiring(self.fronts.pop(service), None, is_open=True)

    async def send_on(self, service: str, to: Address | None, *, closes: bool) -> None:
        """Send the callers of a service that was given up to an address; SophiaError when nobody can be told."""
        known = self.retiring[service]
        await self.tell(retiring(known.front, to, closes=closes))
        self.retiring[service] = replace(known, to=to, is_open=known.is_open and not closes)

    def retire(self) -> None:
        """From now on it is not started again when it ends."""
        self._instance.policy = replace(_POLICY, when=RestartWhen.NEVER, liveness=None)
        self._instance.is_supervised = False

    def end(self) -> None:
        """Have a process without fronts end, with its last caller."""
        if self.identity is not None:
            with contextlib.suppress(PermissionError):
                send_signal(self.identity, signal.SIGUSR1)

    def discard(self) -> None:
        """Have one that does not start not be tried again."""
        self.retire()
        self._instance.send(StopRequested())

    def forget(self) -> None:
        """Stop to look after it; it goes on (the agent is leaving)."""
        self._instance.forget()

    # What the instance needs: see `instance.Starter`.

    def start(self, instance: Instance) -> Spawned:
        """Start the program with the listeners of all fronts; SophiaError says why it does not run."""
        program = require_haproxy(os.environ, ", ".join(sorted(self.fronts)))
        find = self._place.listeners.find
        found = {name: find(name, front.port) for name, front in sorted(self.fronts.items())}
        sockets = {name: listener for name, listener in found.items() if listener is not None}
        self.fronts.update({name: replace(self.fronts[name], port=port_of(one)) for name, one in sockets.items()})
        self.retiring.clear()
        numbers = {name: CONTROL + 1 + place for place, name in enumerate(sockets)}
        try:
            with ExitStack() as held:
                control = held.enter_context(listen(self._place.folder, self._name))
                text = configuration([self.fronts[name] for name in sockets], numbers, CONTROL, _capacity())
                settings = self._write(text)
                log_file = self._place.log.open()
                held.callback(os.close, log_file)
                passed = {numbers[name]: listener.fileno() for name, listener in sockets.items()}
                return spawn(
                    SpawnSpec(
                        argv=(program, "-db", "-f", str(settings)),
                        env={},
                        cwd=Path("/"),
                        log=log_file,
                        descriptors={CONTROL: control.fileno(), **passed},
                        limits=Limits(),
                    )
                )
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SophiaError("proxy-not-started", f"HAProxy cannot be started: {reason}") from error

    def prober(self, instance: Instance, probing: Probing) -> Asker:
        """Return what asks it whether it serves."""
        return _Pulse(self.tell, _START_LOOK_S if probing is Probing.STARTUP else _LOOK_S)

    def stopped(self, instance: Instance) -> bool:
        """Remove what it left; its next process makes its own."""
        for name in (self._name, f"{self._name}.cfg"):
            with contextlib.suppress(OSError):
                (self._place.folder / name).unlink()
        return False

    def _write(self, text: str) -> Path:
        path = self._place.folder / f"{self._name}.cfg"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(path, flags, 0o600)
        with os.fdopen(file, "w", encoding="ascii") as stream:
            stream.write(text)
        return path


class ProxyRecord:
    """Writes the failures of proxies down as incidents: see `instance.Record`."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def instance_changed(self, instance: Instance) -> None:
        """Nothing is written: the next agent finds a proxy by the configuration that it runs with."""

    def incident(self, instance: Instance, action: OpenIncident | ActOnIncident | CloseIncident) -> None:
        """Write down what happens about a failure."""
        if not instance.is_supervised:
            return
        match action:
            case OpenIncident():
                self._keeper.incident_opened(instance, action)
            case ActOnIncident():
                self._keeper.incident_acted(instance, action)
            case CloseIncident():
                self._keeper.incident_closed(instance, action)


class _Pulse:
    """Asks a HAProxy for nothing in particular."""

    def __init__(self, ask: Callable[[Sequence[str]], Awaitable[str]], interval_s: float) -> None:
        self._ask = ask
        self._usual_s = interval_s
        self.interval_s = interval_s

    async def run(self) -> ProbeResult:
        """Ask once."""
        started = time.perf_counter()
        # All callers wait for one that hangs: whether it does is not left open until the next look.
        self.interval_s = min(self._usual_s, _DOUBT_S)
        try:
            said = await self._ask((SHOW_INFO,))
        except SophiaError as error:
            return ProbeResult(False, error.message, time.perf_counter() - started)
        passed = "Pid:" in said
        if passed:
            self.interval_s = self._usual_s
        return ProbeResult(passed, "it answers" if passed else "it says nothing", time.perf_counter() - started)

    def close(self) -> None:
        """Nothing is kept open."""


def _capacity() -> Capacity:
    """Return how many connections it may have: two descriptors each, of those that one process may open."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = _MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else (hard - _OWN_FILES) // 2
    return Capacity(max(16, min(_MOST_CONNECTIONS, most)))
