"""What the agent remembers across its own death: from what it runs to rows, and back.

A disk that is full keeps no service from being looked after: what could not be written is written later. Only the
journal of an operation is different, since a step that is not on the disk must not be done. Services, instances and
the operation are written together: whoever reads them after a kill finds them as they were at one moment.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar

from sophia_cli.agent.instances.instance import Instance, is_ready
from sophia_cli.agent.instances.runtime import ServiceRuntime
from sophia_cli.agent.operations.slot import Holder
from sophia_cli.agent.state.chronicle import Acted, Chronicle, Closed, Event, Opened, Told
from sophia_cli.agent.state.file import Quarantined, StateBroken
from sophia_cli.agent.state.rows import EventRow, IncidentRow, InstanceRow, OperationRow, ServiceRow
from sophia_cli.agent.state.store import StateStore
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.known_releases import STATE_FILE
from sophia_cli.deploy.rollout import Rollout
from sophia_cli.deploy.supervisor_events import ActOnIncident, CloseIncident, OpenIncident
from sophia_cli.deploy.supervisor_model import Phase
from sophia_cli.project.clock import Clock
from sophia_cli.project.settings.service_codec import UnreadableValues, record_from, to_values
from sophia_cli.project.state_folder import StateFolder

log = logging.getLogger(__name__)
Row = TypeVar("Row")
NO_JOURNAL = "[]"


@dataclass(frozen=True, slots=True)
class Pending:
    """An operation that an earlier agent was in: its parts, each as far as it was."""

    run_id: str
    rollouts: tuple[Rollout, ...]


class Keeper:
    """Writes down and reads back. `quarantined` tells that what was written was broken and begun anew."""

    def __init__(self, store: StateStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._services: dict[str, ServiceRow] = {}
        self._saved: dict[str, InstanceRow] = {}
        self._incidents: dict[tuple[str, int], Told] = {}
        self._unsaved_services: dict[str, ServiceRow | None] = {}
        self._unsaved_instances: dict[str, InstanceRow | None] = {}
        self._operation: OperationRow | None = store.operation()
        self._is_operation_due = False
        self._over: str | None = None
        self._trouble: str | None = None
        self._broken: StateBroken | None = None
        self._watchers: set[Callable[[EventRow], None]] = set()
        self._chronicle = Chronicle(self._tell)

    @classmethod
    def open(cls, state: StateFolder, clock: Clock) -> Keeper:
        """Open what is remembered of a project; raises what StateStore raises."""
        return cls(StateStore(state.path / STATE_FILE), clock)

    def __enter__(self) -> Keeper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        self._store.close()

    @property
    def quarantined(self) -> Quarantined | None:
        """What was broken and put aside when the state was opened."""
        return self._store.quarantined

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was remembered when the state was opened: it never was, or it is lost."""
        return self._store.is_fresh

    @property
    def note(self) -> str | None:
        """What people should know while the state cannot be written, None while it can."""
        if self._trouble is None:
            return None
        waiting, lost = self._chronicle.waiting, self._chronicle.lost
        gone = f", {lost} older ones are lost" if lost else ""
        return f"{self._trouble}; {waiting} events and incidents wait in memory to be written{gone}"

    def services(self) -> tuple[ServiceRow, ...]:
        """Return the services that are known."""
        rows = self._store.services()
        self._services = {row.name: row for row in rows}
        return rows

    def save_service(self, runtime: ServiceRuntime) -> None:
        """Write a service down, now or when the disk takes it."""
        row = ServiceRow(
            name=runtime.name,
            release=None if runtime.release is None else runtime.release.number,
            previous=runtime.previous,
            good=runtime.good,
            is_stopped=runtime.is_stopped,
            moved_port=runtime.moved_port,
            restarts=runtime.restarts,
        )
        self._unsaved_services[row.name] = row
        self.flush()

    def drop_service(self, name: str) -> None:
        """Forget a service."""
        self._unsaved_services[name] = None
        self.flush()

    def instances(self) -> tuple[InstanceRow, ...]:
        """Return the instances that were there."""
        rows = self._store.instances()
        self._saved = {row.name: row for row in rows}
        return rows

    def save_instance(self, instance: Instance) -> None:
        """Write an instance down where what is remembered of it changed; one that is over is forgotten."""
        name = instance.id.name
        if instance.state.phase is Phase.STOPPED and instance.identity is None:
            self._unsaved_instances.pop(name, None)
            if name in self._saved:
                self._unsaved_instances[name] = None
                self.flush()
            return
        row = InstanceRow(
            name=name,
            service=instance.id.service,
            release=instance.id.release,
            number=instance.id.number,
            batch=instance.batch,
            role=instance.role,
            identity=instance.identity,
            private_port=instance.private_port,
            log_from=instance.log_from,
            was_ready=is_ready(instance.state),
        )
        if self._unsaved_instances.get(name, self._saved.get(name)) != row:
            self._unsaved_instances[name] = row
            self.flush()

    def drop_instance(self, name: str) -> None:
        """Forget an instance."""
        self._unsaved_instances[name] = None
        self.flush()

    def flush(self) -> None:
        """Write what is not written yet, where the disk takes it."""
        # What fails is told by `note`, and written later.
        with contextlib.suppress(SophiaError):
            self._write(self._write_all)

    def operation_begun(self, run_id: str, holder: Holder) -> None:
        """Remember who asked for the operation that begins."""
        self._operation = OperationRow(run_id, holder.describe(), self._now(), NO_JOURNAL)

    def save_rollouts(self, run_id: str, rollouts: Sequence[Rollout]) -> None:
        """Bring the state of an operation to the disk; StateNotWritten or StateBroken when that fails."""
        known = self._operation
        holder, since = ("the agent", self._now()) if known is None else (known.holder, known.since)
        journal = json.dumps([to_values(rollout) for rollout in rollouts])
        self._operation = OperationRow(run_id, holder, since, journal)
        self._is_operation_due, self._over = True, None
        self._write(self._write_state)

    def operation_over(self, run_id: str) -> None:
        """Forget an operation, now or when the disk takes it: not before what came of it is written."""
        self._operation = None
        self._is_operation_due, self._over = False, run_id
        self.flush()

    def pending(self) -> Pending | None:
        """Return the operation that an earlier agent was in, None when there is none."""
        row = self._store.operation()
        if row is None:
            return None
        try:
            values = json.loads(row.journal)
            rollouts = tuple(record_from(Rollout, one) for one in values)
        except (ValueError, TypeError, UnreadableValues) as error:
            log.warning("operation not read", extra={"run": row.run_id, "reason": str(error)})
            self.operation_over(row.run_id)
            return None
        return Pending(row.run_id, rollouts)

    def incident_opened(self, instance: Instance, action: OpenIncident) -> None:
        """Write a detected failure down."""
        service, cause = instance.id.service, action.cause.value
        told = self._incidents[instance.id.name, action.number] = Told()
        opened = Opened(told, self._now(), service, instance.id.name, instance.id.release, cause, action.detail)
        self._happened(opened, self._event(service, "incident-opened", f"{cause}: {action.detail}"))

    def incident_acted(self, instance: Instance, action: ActOnIncident) -> None:
        """Write down what is done about it."""
        told = self._incidents.get((instance.id.name, action.number))
        if told is not None:
            recovery = action.recovery.value
            event = self._event(instance.id.service, "incident-acted", recovery)
            self._happened(Acted(told, self._now(), recovery), event)

    def incident_closed(self, instance: Instance, action: CloseIncident) -> None:
        """Write down that it is over."""
        told = self._incidents.pop((instance.id.name, action.number), None)
        if told is not None:
            outcome = action.outcome.value
            event = self._event(instance.id.service, "incident-closed", f"{outcome} in {action.seconds:.3f} s")
            self._happened(Closed(told, self._now(), outcome, action.seconds), event)

    def close_left_open(self, outcome: str) -> None:
        """Close the incidents that nobody looks after: those of instances which an earlier agent knew."""
        left = [Closed(Told(one.number), self._now(), outcome, 0.0) for one in self._store.open_incidents()]
        self._happened(*left)

    def record(
        self, service: str, kind: str, detail: str, *, release: int, acts: Sequence[str], seconds: float
    ) -> None:
        """Write down a recovery that is over by the time it is told: detected, acted, verified."""
        at, told = self._now(), Told()
        self._happened(
            Opened(told, at, service, "", release, kind, detail),
            *(Acted(told, at, act) for act in acts),
            Closed(told, at, "recovered", seconds),
            self._event(service, "incident-closed", f"{kind}: {detail}"),
        )

    def trouble_began(self, service: str, kind: str, detail: str, *, release: int, act: str) -> Told:
        """Write a failure down that no single instance has, and what is done; `trouble_over` ends it."""
        at, told = self._now(), Told()
        opened = Opened(told, at, service, "", release, kind, detail)
        self._happened(opened, Acted(told, at, act), self._event(service, "incident-opened", f"{kind}: {detail}"))
        return told

    def trouble_over(self, told: Told, service: str, seconds: float) -> None:
        """Write down that such a failure is over."""
        event = self._event(service, "incident-closed", f"recovered in {seconds:.3f} s")
        self._happened(Closed(told, self._now(), "recovered", seconds), event)

    def incidents(self, limit: int, service: str | None = None) -> tuple[IncidentRow, ...]:
        """Return the latest incidents, latest first."""
        return self._store.incidents(limit, service)

    def event(self, service: str, kind: str, detail: str) -> None:
        """Write down something worth telling that is no incident."""
        log.info(kind, extra={"service": service, "detail": detail})
        self._happened(self._event(service, kind, detail))

    def watch_events(self, told: Callable[[EventRow], None]) -> Callable[[], None]:
        """Have `told` called with every event from now on; what comes back ends that."""
        self._watchers.add(told)
        return lambda: self._watchers.discard(told)

    def events(self, limit: int, after: int = 0) -> tuple[EventRow, ...]:
        """Return the latest events with a number above `after`, oldest first."""
        return self._store.events(limit, after)

    def _event(self, service: str, kind: str, detail: str) -> Event:
        return Event(self._now(), service, kind, detail)

    def _happened(self, *entries: Event | Opened | Acted | Closed) -> None:
        if entries:
            self._chronicle.add(entries)
            self.flush()

    def _tell(self, event: EventRow) -> None:
        for told in tuple(self._watchers):
            told(event)

    def _write_state(self) -> None:
        services, instances = self._unsaved_services, self._unsaved_instances
        if not (services or instances or self._is_operation_due or self._over):
            return
        with self._store.transaction():
            for name, service in services.items():
                if service is None:
                    self._store.drop_service(name)
                else:
                    self._store.save_service(service)
            for name, instance in instances.items():
                if instance is None:
                    self._store.drop_instance(name)
                else:
                    self._store.save_instance(instance)
            if self._is_operation_due and self._operation is not None:
                self._store.save_operation(self._operation)
            if self._over is not None:
                self._store.drop_operation(self._over)
        _merge(self._services, services)
        _merge(self._saved, instances)
        self._is_operation_due, self._over = False, None

    def _write_all(self) -> None:
        self._write_state()
        self._chronicle.write(self._store, self._now())

    def _write(self, write: Callable[[], None]) -> None:
        """Write; a state that turns out to be broken is put aside and written anew from what is known."""
        try:
            if self._broken is not None:
                self._begin_anew(self._broken)
            try:
                write()
            except StateBroken as error:
                self._begin_anew(error)
                write()
        except SophiaError as error:
            if self._trouble is None:
                log.error("state not written", extra={"reason": error.message})
            self._trouble = error.message
            raise
        if self._trouble is not None and not self._chronicle.waiting:
            log.info("state written again")
            self._trouble = None

    def _begin_anew(self, error: StateBroken) -> None:
        self._broken = error
        # Closed first: closing later would remove files beside the fresh one.
        self._store.close()
        self._store = StateStore(self._store.path)
        self._broken = None
        self._incidents.clear()
        self._chronicle.forget_numbers()
        self._unsaved_services = {**self._services, **self._unsaved_services}
        self._unsaved_instances = {**self._saved, **self._unsaved_instances}
        self._is_operation_due = self._operation is not None and self._operation.journal != NO_JOURNAL
        aside = self._store.quarantined
        where = "" if aside is None else f"; the broken file is kept as `{aside.path.name}`"
        detail = f"{error.message}; written anew from what the agent knows{where}"
        log.error("state broken", extra={"reason": detail})
        self._chronicle.add((self._event("", "state-lost", detail),))

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")


def _merge(known: dict[str, Row], changed: dict[str, Row | None]) -> None:
    for name, row in changed.items():
        if row is None:
            known.pop(name, None)
        else:
            known[name] = row
    changed.clear()
