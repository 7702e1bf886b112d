"""What happens to a supervised instance (events), and what is to be done about it (actions)."""

from __future__ import annotations

from typing import TypeAlias

from sophia_cli.core.values import dataclass
from sophia_cli.deploy.supervisor_model import Cause, Outcome, Probing, Recovery


@dataclass(frozen=True, slots=True)
class StartRequested:
    """Somebody wants it to run; after `failed` this is a fresh beginning."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Somebody wants it not to run."""


@dataclass(frozen=True, slots=True)
class Spawned:
    """The process that `Spawn` asked for runs its program."""

    generation: int


@dataclass(frozen=True, slots=True)
class SpawnFailed:
    """It could not be started. `jitter` is a random number from 0 to 1.

    `is_shortage`: the machine is short of descriptors, processes, memory or room on the disk, which says nothing of the
    service: it is tried again for as long as that lasts.
    """

    generation: int
    reason: str
    jitter: float
    is_shortage: bool = False


@dataclass(frozen=True, slots=True)
class Exited:
    """The process ended, with an exit code or by a signal; of an adopted one neither is known (both None).

    `jitter` is a random number from 0 to 1.
    """

    generation: int
    code: int | None
    signal: int | None
    jitter: float
    was_out_of_memory: bool = False


@dataclass(frozen=True, slots=True)
class Probed:
    """One answer of a probe; `detail` is what a person is told of a failure."""

    generation: int
    probing: Probing
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MemoryExceeded:
    """The instance keeps more bytes than its limit."""

    generation: int
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class TimerFired:
    """`State.deadline` has come; sent too early it changes nothing."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A process that an earlier agent started goes on; `is_ready` is what that agent last knew."""

    is_ready: bool


@dataclass(frozen=True, slots=True)
class DependencyDown:
    """A service that this one depends on is not ready."""

    name: str


@dataclass(frozen=True, slots=True)
class DependencyUp:
    """A service that this one depends on is ready again."""

    name: str


Event: TypeAlias = (
    StartRequested
    | StopRequested
    | Spawned
    | SpawnFailed
    | Exited
    | Probed
    | MemoryExceeded
    | TimerFired
    | Adopted
    | DependencyDown
    | DependencyUp
)


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a process; answer with `Spawned` or `SpawnFailed` of this generation."""

    generation: int


@dataclass(frozen=True, slots=True)
class Terminate:
    """Ask the process, and what it started, to end; `Exited` is awaited."""

    generation: int


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill all processes of the instance; `Exited` is awaited."""

    generation: int


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """A failure was detected."""

    number: int
    cause: Cause
    detail: str


@dataclass(frozen=True, slots=True)
class ActOnIncident:
    """What is done about it."""

    number: int
    recovery: Recovery


@dataclass(frozen=True, slots=True)
class CloseIncident:
    """It is over, that many seconds after it was detected."""

    number: int
    outcome: Outcome
    seconds: float


Action: TypeAlias = Spawn | Terminate | Kill | OpenIncident | ActOnIncident | CloseIncident
