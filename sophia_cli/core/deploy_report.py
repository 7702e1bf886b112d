"""What a deployment, a restart, a rollback or a stop did, service by service."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.errors import ExitCode
from sophia_cli.core.values import dataclass


class DeployVerdict(Enum):
    """How an operation on services ended."""

    DEPLOYED = "deployed"
    UNCHANGED = "unchanged"
    PLANNED = "planned"
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"
    STOPPED = "stopped"
    RESTARTED = "restarted"
    INCOMPLETE = "incomplete"  # something could not be taken back


class ServiceAction(Enum):
    """What was done with one service."""

    DEPLOYED = "deployed"
    UNCHANGED = "unchanged"
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"
    SKIPPED = "skipped"
    STOPPED = "stopped"
    PLANNED = "planned"
    REMOVED = "removed"
    KEPT = "kept"  # a rollback did not come through; what ran before goes on
    INCOMPLETE = "incomplete"  # neither the new nor the old release could be brought up


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step of a rollout, or of taking it back."""

    name: str
    instance: int
    passed: bool
    duration_s: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a service did not come up: cause, what the last probe got, the last lines of its log, what to do about it."""

    cause: str
    last_probe: str | None = None
    log_lines: tuple[str, ...] = ()
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """One service. `reasons` say why it was deployed; `release` is the one that runs when all is over.

    `is_asked` is False for a service that was left as it is because others were named.
    """

    name: str
    action: ServiceAction
    reasons: tuple[str, ...] = ()
    release: int | None = None
    previous: int | None = None
    port: int | None = None
    pid: int | None = None
    duration_s: float = 0.0
    steps: tuple[StepReport, ...] = ()
    trouble: Trouble | None = None
    is_asked: bool = True


@dataclass(frozen=True, slots=True)
class DeployReport:
    """One operation on services. `run_id` names it in the agent's records, None when nothing was to be done."""

    command: str
    verdict: DeployVerdict
    exit_code: ExitCode
    duration_s: float
    run_id: str | None
    services: tuple[ServiceReport, ...]
    environment: str = ""
    notes: tuple[str, ...] = ()
