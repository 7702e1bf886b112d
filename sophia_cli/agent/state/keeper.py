"""What the agent remembers across its own death: from what it runs to rows, and back.

A disk that is full keeps no service from being looked after: what could not be written is written later. Only the
journal of an operation is different, since a step that is not on the disk must not be done.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from types import TracebackType

from sophia_cli.agent.instances.instance import Instance, is_ready
from sophia_cli.agent.instances.runtime import ServiceRuntime
from sophia_cli.agent.operations.slot import Holder
from sophia_cli.agent.state.file import Quarantined, StateNotWritten
from sophia_cli.agent.state.rows import EventRow, IncidentRow, InstanceRow, OperationRow, ServiceRow
from sophia_cli.agent.state.store import StateStore
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.known_releases import STATE_FILE
from sophia_cli.deploy.rollout import Rollout
from sophia_cli.deploy.supervisor_events import ActOnIncident, CloseIncident, OpenIncident
from sophia_cli.deploy.supervisor_model import Phase
from sophia_cli.project.clock import Clock
from sophia_cli.project.settings.service_codec import UnreadableValues, record_from, to_values
from sophia_cli.project.state_folder import StateFolder

log = logging.getLogger(__name__)


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
        self._saved: dict[str, InstanceRow] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._unsaved_services: dict[str, ServiceRow] = {}
        self._unsaved_instances: dict[str, InstanceRow | None] = {}
        self._operation: OperationRow | None = store.operation()
        self._watchers: set[Callable[[EventRow], None]] = set()

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

    def services(self) -> tuple[ServiceRow, ...]:
        """Return the services that are known."""
        return self._store.services()

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
        self._unsaved_services.pop(name, None)
        try:
            self._store.drop_service(name)
        except StateNotWritten as error:
            self._told(error)

    def instances(self) -> tuple[InstanceRow, ...]:
        """Return the instances that were there."""
        rows = self._store.instances()
        self._saved = {row.name: row for row in rows}
        return rows

    def save_instance(self, instance: Instance) -> None:
        """Write an instance down where what is remembered of it changed; one that is over is forgotten."""
        name = instance.id.name
        if instance.state.phase is Phase.STOPPED and instance.identity is None:
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
        if self._saved.get(name) != row:
            self._unsaved_instances[name] = row
            self.flush()

    def drop_instance(self, name: str) -> None:
        """Forget an instance."""
        self._unsaved_instances[name] = None
        self.flush()

    def flush(self) -> None:
        """Write what is not written yet."""
        if not self._unsaved_instances and not self._unsaved_services:
            return
        try:
            with self._store.transaction():
                for service in self._unsaved_services.values():
                    self._store.save_service(service)
                for name, row in self._unsaved_instances.items():
                    if row is None:
                        self._store.drop_instance(name)
                    else:
                        self._store.save_instance(row)
        except StateNotWritten as error:
            self._told(error)
            return
        for name, row in self._unsaved_instances.items():
            if row is None:
                self._saved.pop(name, None)
            else:
                self._saved[name] = row
        self._unsaved_services.clear()
        self._unsaved_instances.clear()

    def operation_begun(self, run_id: str, holder: Holder) -> None:
        """Remember who asked for the operation that begins."""
        self._operation = OperationRow(run_id, holder.describe(), self._now(), "[]")

    def save_rollouts(self, run_id: str, rollouts: Sequence[Rollout]) -> None:
        """Bring the state of an operation to the disk; StateNotWritten when that fails."""
        known = self._operation
        holder, since = ("the agent", self._now()) if known is None else (known.holder, known.since)
        journal = json.dumps([to_values(rollout) for rollout in rollouts])
        self._operation = OperationRow(run_id, holder, since, journal)
        self._store.save_operation(self._operation)

    def operation_over(self, run_id: str) -> None:
        """Forget an operation."""
        self._operation = None
        try:
            self._store.drop_operation(run_id)
        except StateNotWritten as error:
            self._told(error)

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
        key = (instance.id.name, action.number)
        service, release = instance.id.service, instance.id.release
        try:
            self._numbers[key] = self._store.open_incident(
                service, instance.id.name, release, action.cause.value, action.detail, self._now()
            )
        except StateNotWritten as error:
            self._told(error)
            return
        self._add_event(service, "incident-opened", f"{action.cause.value}: {action.detail}")

    def incident_acted(self, instance: Instance, action: ActOnIncident) -> None:
        """Write down what is done about it."""
        number = self._numbers.get((instance.id.name, action.number))
        if number is None:
            return
        try:
            self._store.act_on_incident(number, self._now(), action.recovery.value)
        except StateNotWritten as error:
            self._told(error)
            return
        self._add_event(instance.id.service, "incident-acted", action.recovery.value)

    def incident_closed(self, instance: Instance, action: CloseIncident) -> None:
        """Write down that it is over."""
        number = self._numbers.pop((instance.id.name, action.number), None)
        if number is None:
            return
        try:
            self._store.close_incident(number, self._now(), action.outcome.value, action.seconds)
        except StateNotWritten as error:
            self._told(error)
            return
        self._add_event(instance.id.service, "incident-closed", f"{action.outcome.value} in {action.seconds:.3f} s")

    def close_left_open(self, outcome: str) -> None:
        """Close the incidents that nobody looks after: those of instances which an earlier agent knew."""
        for incident in self._store.open_incidents():
            try:
                self._store.close_incident(incident.number, self._now(), outcome, 0.0)
            except StateNotWritten as error:
                self._told(error)

    def record(
        self, service: str, kind: str, detail: str, *, release: int, acts: Sequence[str], seconds: float
    ) -> None:
        """Write down a recovery that is over by the time it is told: detected, acted, verified."""
        try:
            with self._store.transaction():
                number = self._store.open_incident(service, "", release, kind, detail, self._now())
                for act in acts:
                    self._store.act_on_incident(number, self._now(), act)
                self._store.close_incident(number, self._now(), "recovered", seconds)
        except StateNotWritten as error:
            self._told(error)
            return
        self._add_event(service, "incident-closed", f"{kind}: {detail}")

    def incidents(self, limit: int, service: str | None = None) -> tuple[IncidentRow, ...]:
        """Return the latest incidents, latest first."""
        return self._store.incidents(limit, service)

    def event(self, service: str, kind: str, detail: str) -> None:
        """Write down something worth telling that is no incident."""
        log.info(kind, extra={"service": service, "detail": detail})
        self._add_event(service, kind, detail)

    def watch_events(self, told: Callable[[EventRow], None]) -> Callable[[], None]:
        """Have `told` called with every event from now on; what comes back ends that."""
        self._watchers.add(told)
        return lambda: self._watchers.discard(told)

    def _add_event(self, service: str, kind: str, detail: str) -> None:
        at = self._now()
        try:
            number = self._store.add_event(at, service, kind, detail)
        except StateNotWritten as error:
            self._told(error)
            return
        for told in tuple(self._watchers):
            told(EventRow(number, at, service, kind, detail))

    def events(self, limit: int, after: int = 0) -> tuple[EventRow, ...]:
        """Return the latest events with a number above `after`, oldest first."""
        return self._store.events(limit, after)

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")

    def _told(self, error: StateNotWritten) -> None:
        log.error("state not written", extra={"reason": error.message})
