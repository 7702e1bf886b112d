"""What can be asked of the agent on its socket."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Mapping, Sequence

from sophia_cli import __version__
from sophia_cli.agent.crew import Crew
from sophia_cli.agent.instances.instance import Instance
from sophia_cli.agent.operations.operation import Incoming, Operation, StepSeen
from sophia_cli.agent.operations.planning import incoming, leaving, rollback_target, stages
from sophia_cli.agent.operations.slot import Holder, Lease, Slot
from sophia_cli.agent.requests.server import Call, Method, Session
from sophia_cli.agent.state.keeper import Pending
from sophia_cli.agent.tasks import Tasks
from sophia_cli.agent.web_process import WebStatus
from sophia_cli.core.deploy_report import ServiceAction, ServiceReport
from sophia_cli.core.errors import SophiaError, UsageError
from sophia_cli.core.service_status import AgentStatus
from sophia_cli.core.values import replace
from sophia_cli.deploy.link.messages import Fields, Json
from sophia_cli.deploy.releases.model import Release
from sophia_cli.deploy.supervisor_events import ActOnIncident
from sophia_cli.deploy.supervisor_model import Recovery
from sophia_cli.project.clock import Clock
from sophia_cli.project.settings.service_codec import to_values

log = logging.getLogger(__name__)
_HEAL_WAIT_S = 600.0


class Methods:
    """Answers requests; operations run one at a time, in the order in which their commands came."""

    def __init__(self, crew: Crew, clock: Clock, ended: asyncio.Event, web: Callable[[], WebStatus]) -> None:
        self._crew = crew
        self._web = web
        self._clock = clock
        self._ended = ended
        self._since = clock.now().isoformat(timespec="seconds")
        self._slot = Slot()
        self._leases: dict[Session, Lease] = {}
        self._tasks = Tasks(asyncio.get_running_loop())
        self._under_way: Operation | None = None
        self._running: set[asyncio.Task[tuple[str, tuple[ServiceReport, ...]]]] = set()
        crew.record.gave_up = self._heal

    @property
    def is_busy(self) -> bool:
        """Whether services are being changed."""
        return self._slot.holder is not None

    def table(self) -> Mapping[str, Method]:
        """Return the methods by name."""
        return {
            "ping": self._ping,
            "status": self._status,
            "hold": self._hold,
            "rollout": self._rollout,
            "restart": self._restart,
            "rollback": self._rollback,
            "stop": self._stop,
            "remove": self._remove,
            "cancel": self._cancel,
            "incidents": self._incidents,
            "shutdown": self._shutdown,
        }

    def resume(self, pending: Pending) -> None:
        """Finish or take back an operation that an earlier agent was in, then start what is missing."""

        async def work() -> None:
            holder = Holder(os.getpid(), "the agent, which finishes what an earlier one began", self._now())
            lease = await self._slot.take(holder, _HEAL_WAIT_S, _ignored)
            try:
                parts = [self._resumed(rollout.work.service, rollout.work.release) for rollout in pending.rollouts]
                operation = self._operation(pending.run_id, [(part,) for part in parts], _unseen)
                operation.resume(pending.rollouts)
                reports = await operation.run()
                log.info("operation finished", extra={"run": pending.run_id, "services": reports})
            except SophiaError as error:
                log.exception("operation not finished", extra={"run": pending.run_id, "reason": error.message})
            finally:
                lease.leave()
                self._crew.start_missing()

        self._tasks.begin(work())

    def rewire(self) -> None:
        """Bring services in anew whose dependency had to move while no agent ran."""

        async def work() -> None:
            holder = Holder(os.getpid(), "the agent, which tells services of an address that changed", self._now())
            lease = await self._slot.take(holder, _HEAL_WAIT_S, _ignored)
            try:
                await self._rewire(secrets.token_hex(4), _unseen)
            except SophiaError as error:
                log.warning("not rewired", extra={"reason": error.message})
            finally:
                lease.leave()

        if self._crew.addresses.rewired():
            self._tasks.begin(work())

    def _resumed(self, service: str, release: int) -> Incoming:
        for rollout in (self._crew.keeper.pending() or Pending("", ())).rollouts:
            if rollout.work.service == service:
                read = self._crew.releases.read
                previous = rollout.work.previous
                before = None if previous is None else read(service, previous)
                is_leaving = rollout.work.instances == 0
                return Incoming(rollout.work, read(service, release), before, keeps_stopped=is_leaving)
        raise UsageError("operation-unknown", f"no operation on `{service}` was under way")

    async def _ping(self, call: Call) -> Fields:
        return {"pid": os.getpid(), "version": __version__}

    async def _status(self, call: Call) -> Fields:
        holder = self._slot.holder
        web = self._web()
        status = AgentStatus(
            pid=os.getpid(),
            version=__version__,
            state="running",
            since=self._since,
            busy_with=None if holder is None else holder.describe(),
            web=web.url,
            services=self._crew.statuses(),
            web_note=web.note,
            state_note=self._crew.keeper.note,
        )
        return _fields(status)

    async def _hold(self, call: Call) -> Fields:
        if call.session in self._leases:
            raise UsageError("agent-bad-message", "this connection holds the slot already")
        holder = Holder(int(call.number("pid", 0)), call.text("command"), self._now())
        wait_s = call.number("wait_s", 0.0)
        lease = await self._slot.take(holder, wait_s, lambda other: call.tell("queued", {"holder": other.describe()}))
        self._leases[call.session] = lease

        def leave() -> None:
            self._leases.pop(call.session, None)
            lease.leave()

        call.session.at_end(leave)
        return {"held": True}

    async def _rollout(self, call: Call) -> Fields:
        releases = [self._release(item) for item in _pairs(call)]
        for one in releases:
            if one.number not in self._crew.roster.runtime(one.name).good:
                # It never served: whoever asks has just made it.
                self._crew.healer.written(one)
        self._crew.secrets.take(call.params.get("secrets"))
        try:
            return await self._operated(
                call, lambda: [incoming(self._crew.roster.runtime(one.name), one) for one in releases]
            )
        finally:
            for one in releases:
                self._crew.healer.settled(one.name)

    async def _restart(self, call: Call) -> Fields:
        return await self._operated(call, lambda: [self._same(name) for name in call.texts("services")])

    async def _rollback(self, call: Call) -> Fields:
        names = call.texts("services")
        to = call.params.get("to")
        number = to if isinstance(to, int) and not isinstance(to, bool) else None
        unchanged: list[ServiceReport] = []

        def parts() -> list[Incoming]:
            found: list[Incoming] = []
            for name in names:
                runtime = self._crew.roster.runtime(name)
                try:
                    target = rollback_target(runtime, number)
                except UsageError as error:
                    if len(names) == 1:
                        raise
                    current = None if runtime.release is None else runtime.release.number
                    report = ServiceReport(name, ServiceAction.UNCHANGED, (error.message,), current)
                    unchanged.append(report)
                    continue
                found.append(incoming(runtime, self._crew.releases.read(name, target)))
            return found

        done = await self._operated(call, parts)
        services = done["services"]
        assert isinstance(services, list)
        told = [_returned(one) for one in services]
        for name in names:
            self._crew.ledger.left_behind(name)
        return {**done, "services": [*told, *(to_values(report) for report in unchanged)]}

    async def _stop(self, call: Call) -> Fields:
        wanted = set(call.texts("services"))

        def parts() -> list[Incoming]:
            # Whoever depends on others ends first: nobody loses what it still uses.
            order = [one for one in reversed(self._crew.roster.ordered()) if one.name in wanted]
            found = [leaving(one) for one in order]
            return [part for part in found if part is not None]

        done = await self._operated(call, parts, in_order=True)
        for name in wanted:
            runtime = self._crew.roster.find(name)
            if runtime is not None and runtime.failure is not None and not runtime.instances:
                # Nothing of it ever served, and nobody wants it to any more.
                self._crew.forget(name)
        return done

    async def _remove(self, call: Call) -> Fields:
        """Stop services for good: the settings no longer declare them."""
        done = await self._stop(call)
        for name in call.texts("services"):
            runtime = self._crew.roster.find(name)
            if runtime is not None and runtime.is_stopped:
                self._crew.forget(name)
        return done

    async def _cancel(self, call: Call) -> Fields:
        """Have the operation of another request of this connection be taken back where it is under way."""
        operation = self._under_way if call.session in self._leases else None
        if operation is not None:
            operation.cancel()
        return {"cancelled": operation is not None}

    async def _incidents(self, call: Call) -> Fields:
        service = None if call.params.get("service") is None else call.text("service")
        found = self._crew.keeper.incidents(int(call.number("limit", 100)), service)
        return {"incidents": [to_values(one) for one in found]}

    async def _shutdown(self, call: Call) -> Fields:
        self._ended.set()
        return {"pid": os.getpid()}

    async def _operated(self, call: Call, parts: Callable[[], Sequence[Incoming]], *, in_order: bool = False) -> Fields:
        """Run an operation that goes on when the command that asked for it goes away."""
        lease = self._leases.get(call.session)
        if lease is None:
            raise UsageError("agent-bad-message", "the slot is not held by this connection")

        def seen(one: StepSeen) -> None:
            data = to_values(one.step)
            assert isinstance(data, dict)
            call.tell("step", {**data, "service": one.service})

        # What cannot be done is refused before anything is begun.
        planned = parts()
        lease.begin()
        task = asyncio.create_task(self._performed(planned, seen, lease, in_order))
        # Whoever asked may go away; the task is held until it is over all the same.
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        run_id, reports = await asyncio.shield(task)
        return {"run_id": run_id, "services": [to_values(report) for report in reports]}

    async def _performed(
        self, parts: Sequence[Incoming], seen: Callable[[StepSeen], None], lease: Lease, in_order: bool
    ) -> tuple[str, tuple[ServiceReport, ...]]:
        run_id = secrets.token_hex(4)
        try:
            levels = self._crew.roster.levels([part.release for part in parts])
            staged = [(part,) for part in parts] if in_order else stages(parts, levels)
            self._crew.keeper.operation_begun(run_id, lease.holder)
            self._under_way = operation = self._operation(run_id, staged, seen)
            reports = await operation.run()
            return run_id, (*reports, *await self._rewire(run_id, seen))
        finally:
            self._under_way = None
            lease.end()

    async def _rewire(self, run_id: str, seen: Callable[[StepSeen], None]) -> tuple[ServiceReport, ...]:
        """Bring services in anew that were started with the address of a service that has moved since."""
        names = self._crew.addresses.rewired()
        if not names:
            return ()
        for name in names:
            self._crew.keeper.event(name, "rewired", "a service that it depends on has another address")
        parts = [(self._same(name),) for name in names]
        reports = await self._operation(f"{run_id}-rewired", parts, seen).run()
        return tuple(replace(one, reasons=("a service that it depends on has another address",)) for one in reports)

    def _operation(
        self, run_id: str, staged: Sequence[Sequence[Incoming]], seen: Callable[[StepSeen], None]
    ) -> Operation:
        return Operation(run_id, staged, self._crew.roster.runtime, self._crew.doors, self._crew.ledger, seen)

    def _heal(self, instance: Instance) -> None:
        """Return a service whose release cannot be kept up to its last good release, where the settings allow it."""
        runtime = self._crew.roster.runtime(instance.id.service)
        release = runtime.release
        if release is None or not release.service.healing.rollback or runtime.is_rolling:
            return
        try:
            target = rollback_target(runtime, None)
        except UsageError:
            return
        if instance.state.incident is not None:
            act = ActOnIncident(instance.state.incident.number, Recovery.ROLL_BACK)
            self._crew.keeper.incident_acted(instance, act)
        self._tasks.begin(self._returned(runtime.name, release.number, target))

    async def _returned(self, name: str, broken: int, target: int) -> None:
        holder = Holder(os.getpid(), f"the agent, which returns `{name}` to release {target}", self._now())
        lease = await self._slot.take(holder, _HEAL_WAIT_S, _ignored)
        lease.begin()
        try:
            runtime = self._crew.roster.runtime(name)
            if runtime.release is None or runtime.release.number != broken or runtime.is_up():
                lease.end()
                return
            self._crew.keeper.event(name, "rolled-back", f"release {broken} kept failing; back to release {target}")
            runtime.good = tuple(number for number in runtime.good if number != broken)
            part = incoming(runtime, self._crew.releases.read(name, target))
            await self._performed([part], _unseen, lease, in_order=True)
        except SophiaError as error:
            log.warning("not returned", extra={"service": name, "reason": error.message})
        finally:
            lease.leave()

    def _same(self, name: str) -> Incoming:
        runtime = self._crew.roster.runtime(name)
        if runtime.release is None:
            raise UsageError("service-not-deployed", f"service `{name}` was never deployed", hint="run `sophia deploy`")
        return incoming(runtime, runtime.release)

    def _release(self, pair: tuple[str, int]) -> Release:
        return self._crew.releases.read(*pair)

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="seconds")


def _pairs(call: Call) -> list[tuple[str, int]]:
    """Return the releases that a rollout is to bring in, by service."""
    value = call.params.get("releases")
    found: list[tuple[str, int]] = []
    for item in value if isinstance(value, list) else ():
        name, number = (item.get("service"), item.get("release")) if isinstance(item, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(number, int):
            raise UsageError("agent-bad-message", "`releases` is not a list of services with releases")
        found.append((name, number))
    return found


def _returned(report: Json) -> Json:
    """Return the report of a rollback: a release that came in is the way back, one that did not left all as it was."""
    assert isinstance(report, dict)
    actions = {ServiceAction.DEPLOYED: ServiceAction.ROLLED_BACK, ServiceAction.ROLLED_BACK: ServiceAction.KEPT}
    names = {before.value: after.value for before, after in actions.items()}
    return {**report, "action": names.get(str(report["action"]), report["action"])}


def _fields(record: object) -> Fields:
    values = to_values(record)
    assert isinstance(values, dict)
    return values


def _unseen(one: StepSeen) -> None:
    """Nobody watches."""


def _ignored(holder: Holder) -> None:
    """Nobody is told of the wait."""
