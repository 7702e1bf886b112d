"""One instance of a service: performs what its supervisor decides, and tells it what happens."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from typing import Protocol, assert_never

from sophia_cli.agent.reaper import Ended, Reaper
from sophia_cli.agent.tasks import Tasks
from sophia_cli.checks.probe import ProbeResult
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.service_status import Role
from sophia_cli.core.values import dataclass, replace
from sophia_cli.deploy.supervisor import next_state
from sophia_cli.deploy.supervisor_events import (
    Action,
    ActOnIncident,
    Adopted,
    CloseIncident,
    Event,
    Exited,
    Kill,
    OpenIncident,
    Probed,
    Spawn,
    Spawned,
    SpawnFailed,
    Terminate,
    TimerFired,
)
from sophia_cli.deploy.supervisor_model import Phase, Policy, Probing, State, due_probes
from sophia_cli.project.failpoints import AgentFailpoint, failpoint
from sophia_cli.project.host.ending import Ending, next_step, perform
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.processes import members_of, send_signal
from sophia_cli.project.host.spawn import Spawned as SpawnedProcess
from sophia_cli.project.host.spawn_errors import SHORTAGES
from sophia_cli.project.host.spawn_errors import SpawnFailed as NotSpawned
from sophia_cli.project.settings.service_model import RestartWhen, Service

log = logging.getLogger(__name__)
_LOOK_AGAIN_S = 0.25


@dataclass(frozen=True, slots=True)
class InstanceName:
    """Which instance: `number` counts the instances of a release from 0, `name` is unique in the project."""

    name: str
    service: str
    release: int
    number: int


class Starter(Protocol):
    """Starts the process of an instance, and knows how to ask it."""

    def start(self, instance: Instance) -> SpawnedProcess:
        """Start a process; SophiaError says why none runs."""

    def prober(self, instance: Instance, probing: Probing) -> Asker:
        """Return what answers a probe of the instance."""

    def stopped(self, instance: Instance) -> bool:
        """Give back what the instance had, now that none of its processes is left.

        Returns whether the kernel killed one of them for want of memory.
        """


class Asker(Protocol):
    """A probe of one instance that can be run again and again."""

    interval_s: float

    async def run(self) -> ProbeResult:
        """Ask once."""

    def close(self) -> None:
        """Close what was kept open."""


class Record(Protocol):
    """Where the state of instances and their incidents are written down."""

    def instance_changed(self, instance: Instance) -> None:
        """Called after every change of an instance."""

    def incident(self, instance: Instance, action: OpenIncident | ActOnIncident | CloseIncident) -> None:
        """Called for what happens about a failure."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an instance needs of the agent; `down_of` names the dependencies of a service that are not ready."""

    loop: asyncio.AbstractEventLoop
    reaper: Reaper
    starter: Starter
    record: Record
    jitter: Callable[[], float]
    down_of: Callable[[Service], tuple[str, ...]]


class Instance:
    """One instance. `identity` is its first process while one runs; `is_public` says where it is to listen.

    `notes` is what people should know of how it runs: limits that nobody keeps.
    """

    def __init__(
        self, name: InstanceName, policy: Policy, role: Role, batch: str, around: Surroundings, *, is_public: bool
    ) -> None:
        self.id = name
        self.policy = policy
        self.role = role
        self.batch = batch
        self.is_supervised = False
        self.is_public = is_public
        self.state = State()
        self.identity: ProcessIdentity | None = None
        self.started_at: float | None = None
        self.last_probe: ProbeResult | None = None
        self.last_exit: Ended | None = None
        self.log_from = 0
        self.private_port: int | None = None
        self.urls: dict[str, str] | None = None
        self.notes: tuple[str, ...] = ()
        self._around = around
        self._timer: asyncio.TimerHandle | None = None
        self._probes: dict[Probing, asyncio.Task[None]] = {}
        self._probed_generation = 0
        self._tasks = Tasks(around.loop)
        self._watchers: set[asyncio.Future[None]] = set()

    def send(self, event: Event) -> None:
        """Tell the supervisor what happened, and do what it decides."""
        state, actions = next_state(self.policy, self.state, event, self._around.loop.time())
        changed = state != self.state
        self.state = state
        for action in actions:
            self._perform(action)
        if changed or actions:
            self._settle()

    def adopt(self, identity: ProcessIdentity, *, is_ready: bool) -> None:
        """Take over a process that an earlier agent started."""
        self.identity = identity
        self.send(Adopted(is_ready))
        generation = self.state.generation
        self._around.reaper.adopted(identity, lambda ended: self._process_ended(generation, identity, ended))

    def take_role(self, role: Role) -> None:
        """Change what the instance is there for, also for whoever comes after a killed agent.

        Whoever serves is started on the public address from then on.
        """
        self.role = role
        self.is_public = self.is_public or role is Role.ACTIVE
        self._around.record.instance_changed(self)

    def supervise(self, policy: Policy) -> None:
        """Go by the policy of a service that serves from now on: it is restarted, failures are incidents."""
        self.policy = policy
        self.is_supervised = True

    async def until(self, is_reached: Callable[[State], bool]) -> State:
        """Wait until the state of the instance is as wanted, and return it."""
        while not is_reached(self.state):
            changed: asyncio.Future[None] = self._around.loop.create_future()
            self._watchers.add(changed)
            try:
                await changed
            finally:
                self._watchers.discard(changed)
        return self.state

    async def wait_for(self, spawned: SpawnedProcess) -> int:
        """Return the exit code of another child of the agent, a signal as a negative number."""
        ended: asyncio.Future[Ended] = self._around.loop.create_future()

        def told(how: Ended) -> None:
            if not ended.done():
                ended.set_result(how)

        self._around.reaper.child(spawned.identity.pid, told)
        how = await ended
        return -how.signal if how.signal is not None else how.code or 0

    def forget(self) -> None:
        """Stop to watch and probe; the process goes on (the agent is leaving)."""
        self._cancel_timer()
        self._tasks.cancel()
        self._probes.clear()

    def _settle(self) -> None:
        """Have timer, probes, record and watchers follow the state."""
        self._cancel_timer()
        if self.state.deadline is not None:
            self._timer = self._around.loop.call_at(self.state.deadline, self._timer_fired)
        self._follow_probes()
        self._around.record.instance_changed(self)
        for watcher in tuple(self._watchers):
            if not watcher.done():
                watcher.set_result(None)

    def _timer_fired(self) -> None:
        self._timer = None
        # Timers may fire a clock tick early; the machine looks at the time itself.
        delay = (self.state.deadline or 0.0) - self._around.loop.time()
        if self.state.deadline is not None and delay > 0:
            self._timer = self._around.loop.call_later(delay + 0.001, self._timer_fired)
        else:
            self.send(TimerFired())

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _perform(self, action: Action) -> None:
        match action:
            case Spawn():
                # In a turn of its own: what starts is an event, and events are not sent within one another.
                self._around.loop.call_soon(self._spawn, action.generation)
            case Terminate():
                if self.identity is not None:
                    for number in (signal.SIGTERM, signal.SIGCONT):
                        _signal(self.identity, number)
            case Kill():
                if self.identity is not None:
                    self._tasks.begin(self._kill(self.identity))
            case OpenIncident() | ActOnIncident() | CloseIncident():
                self._around.record.incident(self, action)
            case _:
                assert_never(action)

    def _spawn(self, generation: int) -> None:
        if not self.state.is_live or self.state.generation != generation:
            return
        self.last_probe = None
        try:
            spawned = self._around.starter.start(self)
        except SophiaError as error:
            log.warning("not started", extra={"instance": self.id.name, "reason": error.message})
            is_short = isinstance(error, NotSpawned) and error.number in SHORTAGES
            self.send(SpawnFailed(generation, error.message, self._around.jitter(), is_short))
            return
        except Exception as error:  # the boundary of a task of the agent: an instance that hangs helps nobody
            log.exception("a mistake in Sophia kept an instance from starting", extra={"instance": self.id.name})
            reason = f"{type(error).__name__} in the agent where none was expected"
            self.send(SpawnFailed(generation, reason, self._around.jitter()))
            return
        identity = spawned.identity
        self.identity = identity
        self.started_at = self._around.loop.time()
        if spawned.pidfd is not None:
            os.close(spawned.pidfd)
        self._around.reaper.child(identity.pid, lambda ended: self._process_ended(generation, identity, ended))
        self.send(Spawned(generation))
        # There is a process now, whatever the machine made of it: it is written down, and probed.
        self._settle()
        failpoint(AgentFailpoint.INSTANCE_WRITTEN)

    def _process_ended(self, generation: int, identity: ProcessIdentity, ended: Ended) -> None:
        self.last_exit = ended
        self._tasks.begin(self._clear_away(generation, identity, ended))

    async def _clear_away(self, generation: int, identity: ProcessIdentity, ended: Ended) -> None:
        """Leave nothing behind of a process that ended: what it started would serve beside the next one."""
        await self._kill(identity)
        if self.identity == identity:
            self.identity = None
        ran_out = False
        if not self.state.is_live or self.state.generation == generation:
            ran_out = self._around.starter.stopped(self)
        was_killed = ended.signal == signal.SIGKILL or (ended.signal is None and ended.code is None)
        jitter = self._around.jitter()
        self.send(Exited(generation, ended.code, ended.signal, jitter, was_out_of_memory=ran_out and was_killed))

    async def _kill(self, identity: ProcessIdentity) -> None:
        ending = Ending(identity, self.id.name, deadline=0.0, killing=True)
        while True:
            try:
                members = members_of(identity, self.id.name)
            except OSError as error:
                # Short of descriptors: who is left is known once some are free again.
                log.warning("processes not looked at", extra={"instance": self.id.name, "reason": error.strerror})
                await asyncio.sleep(_LOOK_AGAIN_S)
                continue
            step = next_step(ending, members, self._around.loop.time())
            perform(step.signals)
            if step.look_again_s is None:
                return
            self._around.reaper.reap()
            await asyncio.sleep(step.look_again_s)

    def _follow_probes(self) -> None:
        due = due_probes(self.policy, self.state) if self.identity is not None else frozenset()
        is_other = self._probed_generation != self.state.generation
        for probing in tuple(self._probes):
            if probing not in due or is_other:
                self._probes.pop(probing).cancel()
        self._probed_generation = self.state.generation
        for probing in due:
            if probing not in self._probes:
                work = self._probe(probing, self.state.generation)
                self._probes[probing] = self._tasks.begin(work)

    async def _probe(self, probing: Probing, generation: int) -> None:
        asker = self._around.starter.prober(self, probing)
        try:
            if probing is Probing.LIVENESS:
                await asyncio.sleep(asker.interval_s)
            while True:
                result = await asker.run()
                self.last_probe = result
                if not result.passed and not _has_descriptors():
                    # That the agent cannot ask says nothing of the service.
                    await asyncio.sleep(_LOOK_AGAIN_S)
                    continue
                self.send(Probed(generation, probing, result.passed, result.detail))
                await asyncio.sleep(asker.interval_s)
        finally:
            asker.close()


def _has_descriptors() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _signal(identity: ProcessIdentity, number: signal.Signals) -> None:
    try:
        send_signal(identity, number)
    except PermissionError:
        log.warning("not allowed to signal", extra={"pid": identity.pid, "signal": number.name})


def is_ready(state: State) -> bool:
    """Whether an instance in this state may get traffic."""
    return state.phase is Phase.READY


def is_over(state: State) -> bool:
    """Whether an instance in this state runs no more and will not by itself."""
    return state.phase in (Phase.STOPPED, Phase.FAILED)


def once_only(policy: Policy) -> Policy:
    """Return the policy of a candidate: whatever ends it ends the attempt, nothing is restarted."""
    return replace(policy, when=RestartWhen.NEVER)
