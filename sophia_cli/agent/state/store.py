"""The agent's state: services, instances, the operation under way, incidents and events. The agent alone writes it.

Every method may raise StateNotWritten (nothing of the change is there then, what was there before is) and StateBroken.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from sophia_cli.agent.state.file import Quarantined, StateBroken, open_file, translated
from sophia_cli.agent.state.rows import EventRow, IncidentAct, IncidentRow, InstanceRow, OperationRow, ServiceRow
from sophia_cli.core.service_status import Role
from sophia_cli.project.host.identity import ProcessIdentity

Value: TypeAlias = str | int | float | None
_MOST_EVENTS = 2_000
_MOST_INCIDENTS = 2_000
_SERVICES = "name, release, previous, good, is_stopped, moved_port, restarts"
_INSTANCES = "name, service, release, number, batch, role, pid, start_ticks, boot_id, private_port, log_from, was_ready"
_INCIDENTS = "number, service, instance, release, cause, detail, detected_at, closed_at, outcome, seconds"


class StateStore:
    """The state of one project's agent; close it, or use it as a context.

    `is_fresh` when nothing is remembered; `quarantined` is the broken file that was found instead, if any.
    """

    def __init__(self, path: Path) -> None:
        """Open the state at a path. Raises StateNotWritten where that cannot be, StateTooNew."""
        self.path = path
        opened = open_file(path)
        self._connection = opened.connection
        self.is_fresh: bool = opened.is_fresh
        self.quarantined: Quarantined | None = opened.quarantined

    def __enter__(self) -> StateStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; harmless when it is closed."""
        # Closing brings the write-ahead log into the file, which a full disk may refuse; it is played in next time.
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Have all changes within take effect together, or none when one fails or the block raises."""
        if self._connection.in_transaction:
            yield
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                # Still open here means that something failed; SQLite itself takes some failures back.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def services(self) -> tuple[ServiceRow, ...]:
        """Return all services, by name."""
        return tuple(self._service(row) for row in self._read(f"SELECT {_SERVICES} FROM services ORDER BY name"))

    def save_service(self, row: ServiceRow) -> None:
        """Write a service down, in place of what was known of it."""
        good = ",".join(str(number) for number in row.good)
        values = (row.name, row.release, row.previous, good, int(row.is_stopped), row.moved_port, row.restarts)
        self._write(f"INSERT OR REPLACE INTO services ({_SERVICES}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def drop_service(self, name: str) -> None:
        """Forget a service; its incidents stay."""
        self._write("DELETE FROM services WHERE name = ?", (name,))

    def instances(self) -> tuple[InstanceRow, ...]:
        """Return all instances, by name."""
        return tuple(self._instance(row) for row in self._read(f"SELECT {_INSTANCES} FROM instances ORDER BY name"))

    def save_instance(self, row: InstanceRow) -> None:
        """Write an instance down, in place of what was known of it."""
        who = row.identity
        process = (None, None, None) if who is None else (who.pid, who.start_ticks, who.boot_id)
        values = (row.name, row.service, row.release, row.number, row.batch, row.role.value, *process)
        rest = (row.private_port, row.log_from, int(row.was_ready))
        marks = ", ".join("?" * 12)
        self._write(f"INSERT OR REPLACE INTO instances ({_INSTANCES}) VALUES ({marks})", (*values, *rest))

    def drop_instance(self, name: str) -> None:
        """Forget an instance."""
        self._write("DELETE FROM instances WHERE name = ?", (name,))

    def operation(self) -> OperationRow | None:
        """Return the operation that was under way last, None when it is over."""
        for row in self._read("SELECT run_id, holder, since, journal FROM operation"):
            return OperationRow(str(row[0]), str(row[1]), str(row[2]), str(row[3]))
        return None

    def save_operation(self, row: OperationRow) -> None:
        """Write down how far the operation under way is; there is one at a time."""
        values = (row.run_id, row.holder, row.since, row.journal)
        columns = "only_one, run_id, holder, since, journal"
        self._write(f"INSERT OR REPLACE INTO operation ({columns}) VALUES (1, ?, ?, ?, ?)", values)

    def drop_operation(self, run_id: str) -> None:
        """Forget an operation that is over; another one that was begun since stays."""
        self._write("DELETE FROM operation WHERE run_id = ?", (run_id,))

    def open_incident(
        self, service: str, instance: str, release: int, cause: str, detail: str, detected_at: str
    ) -> int:
        """Write a failure down and return the number of its incident; the oldest closed ones make room."""
        columns = "service, instance, release, cause, detail, detected_at"
        values = (service, instance, release, cause, detail, detected_at)
        with self.transaction():
            number = self._write(f"INSERT INTO incidents ({columns}) VALUES (?, ?, ?, ?, ?, ?)", values)
            old = "DELETE FROM incidents WHERE number <= ? AND outcome IS NOT NULL"
            self._write(old, (number - _MOST_INCIDENTS,))
        return number

    def act_on_incident(self, number: int, at: str, recovery: str) -> None:
        """Write down what is done about an incident; nothing happens when there is none of that number."""
        statement = "INSERT INTO incident_acts SELECT number, ?, ? FROM incidents WHERE number = ?"
        self._write(statement, (at, recovery, number))

    def close_incident(self, number: int, at: str, outcome: str, seconds: float) -> None:
        """Write down that an incident is over; one that is over already stays as it is."""
        statement = "UPDATE incidents SET closed_at = ?, outcome = ?, seconds = ? WHERE number = ? AND outcome IS NULL"
        self._write(statement, (at, outcome, seconds, number))

    def incidents(self, limit: int, service: str | None = None) -> tuple[IncidentRow, ...]:
        """Return the latest incidents (of one service), latest first."""
        where = "WHERE ? IS NULL OR service = ?"
        statement = f"SELECT {_INCIDENTS} FROM incidents {where} ORDER BY number DESC LIMIT ?"
        return tuple(self._incident(row) for row in self._read(statement, (service, service, limit)))

    def open_incidents(self, service: str | None = None) -> tuple[IncidentRow, ...]:
        """Return the incidents (of one service) that are not over, latest first."""
        where = "WHERE outcome IS NULL AND (? IS NULL OR service = ?)"
        statement = f"SELECT {_INCIDENTS} FROM incidents {where} ORDER BY number DESC"
        return tuple(self._incident(row) for row in self._read(statement, (service, service)))

    def add_event(self, at: str, service: str, kind: str, detail: str) -> int:
        """Write an event down and return its number; the oldest ones make room."""
        with self.transaction():
            columns = "at, service, kind, detail"
            number = self._write(f"INSERT INTO events ({columns}) VALUES (?, ?, ?, ?)", (at, service, kind, detail))
            self._write("DELETE FROM events WHERE number <= ?", (number - _MOST_EVENTS,))
        return number

    def events(self, limit: int, after: int = 0) -> tuple[EventRow, ...]:
        """Return the latest events whose number is above `after`, oldest first."""
        statement = "SELECT number, at, service, kind, detail FROM events WHERE number > ? ORDER BY number DESC LIMIT ?"
        rows = self._read(statement, (after, limit))
        return tuple(EventRow(int(r[0] or 0), str(r[1]), str(r[2]), str(r[3]), str(r[4])) for r in reversed(rows))

    def _read(self, statement: str, values: tuple[Value, ...] = ()) -> list[tuple[Value, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def _write(self, statement: str, values: tuple[Value, ...]) -> int:
        with self.transaction():
            return self._connection.execute(statement, values).lastrowid or 0

    def _service(self, row: tuple[Value, ...]) -> ServiceRow:
        name, release, previous, good, is_stopped, moved_port, restarts = row
        numbers = tuple(int(number) for number in str(good).split(",") if number)
        counts = (_number(release), _number(previous), numbers, bool(is_stopped), _number(moved_port))
        return ServiceRow(str(name), *counts, _number(restarts) or 0)

    def _instance(self, row: tuple[Value, ...]) -> InstanceRow:
        name, service, release, number, batch, role, pid, ticks, boot, private_port, log_from, was_ready = row
        identity = None if pid is None else ProcessIdentity(_number(pid) or 0, _number(ticks) or 0, str(boot))
        try:
            known = Role(role)
        except ValueError as error:
            raise StateBroken(self.path, f"an instance has the role {role!r}") from error
        return InstanceRow(
            str(name),
            str(service),
            _number(release) or 0,
            _number(number) or 0,
            str(batch),
            known,
            identity,
            _number(private_port),
            _number(log_from) or 0,
            bool(was_ready),
        )

    def _incident(self, row: tuple[Value, ...]) -> IncidentRow:
        number, service, instance, release, cause, detail, detected_at, closed_at, outcome, seconds = row
        statement = "SELECT at, recovery FROM incident_acts WHERE incident = ? ORDER BY rowid"
        acts = tuple(IncidentAct(str(act[0]), str(act[1])) for act in self._read(statement, (number,)))
        return IncidentRow(
            _number(number) or 0,
            str(service),
            str(instance),
            _number(release) or 0,
            str(cause),
            str(detail),
            str(detected_at),
            acts,
            None if closed_at is None else str(closed_at),
            None if outcome is None else str(outcome),
            None if seconds is None else float(seconds),
        )


def _number(value: Value) -> int | None:
    return None if value is None else int(value)
