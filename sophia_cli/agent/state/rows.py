"""What the agent remembers across its own death, as values."""

from __future__ import annotations

from sophia_cli.core.service_status import Role
from sophia_cli.core.values import dataclass
from sophia_cli.project.host.identity import ProcessIdentity


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service: the release that is to serve (None: none), the one before, those that were good (oldest first).

    `moved_port` is where it listens when its own port was held by somebody else; `restarts` counts the automatic ones.
    """

    name: str
    release: int | None
    previous: int | None = None
    good: tuple[int, ...] = ()
    is_stopped: bool = False
    moved_port: int | None = None
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """An instance and its first process; `batch` is the operation that brought it, `log_from` where its log begins."""

    name: str
    service: str
    release: int
    number: int
    batch: str
    role: Role
    identity: ProcessIdentity | None
    private_port: int | None
    log_from: int
    was_ready: bool


@dataclass(frozen=True, slots=True)
class OperationRow:
    """The operation under way: who asked for it, since when (UTC, ISO 8601), and its journal as JSON."""

    run_id: str
    holder: str
    since: str
    journal: str


@dataclass(frozen=True, slots=True)
class IncidentAct:
    """Something that was done about an incident, and when (UTC, ISO 8601)."""

    at: str
    recovery: str


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """A failure from its detection to its verified end; `outcome`, `closed_at` and `seconds` are None while it is open.

    Stamps are UTC, ISO 8601; `seconds` is the time to recover by the monotonic clock.
    """

    number: int
    service: str
    instance: str
    release: int
    cause: str
    detail: str
    detected_at: str
    acts: tuple[IncidentAct, ...] = ()
    closed_at: str | None = None
    outcome: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something worth telling that is no incident; `service` is empty for the agent itself. Numbers grow."""

    number: int
    at: str
    service: str
    kind: str
    detail: str
