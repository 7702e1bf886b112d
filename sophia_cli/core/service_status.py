"""What the agent knows of services, as values that travel over its socket."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass


class ServiceState(Enum):
    """How a service is, in one word."""

    RUNNING = "running"  # as many instances are ready as are wanted
    DEGRADED = "degraded"  # some are
    STARTING = "starting"
    WAITING = "waiting"  # for something that it depends on
    RESTARTING = "restarting"  # an instance ended and is about to be started again
    STOPPED = "stopped"  # by a person
    FAILED = "failed"  # given up; the reason tells
    UNWATCHED = "unwatched"  # it runs, but no agent does
    ABSENT = "not-deployed"


class Health(Enum):
    """What the last probes said."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class Role(Enum):
    """What an instance is there for."""

    CANDIDATE = "candidate"
    ACTIVE = "active"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """One instance: `phase` is that of its supervisor, `memory_bytes` what its processes keep in memory."""

    name: str
    release: int
    role: Role
    phase: str
    pid: int | None
    uptime_s: float | None
    restarts: int
    memory_bytes: int | None
    log: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service: `pid` and `uptime_s` are those of its longest-serving active instance.

    `reason` tells why it is not well, `notes` what is not as the settings want it although it serves.
    """

    name: str
    state: ServiceState
    health: Health
    release: int | None
    previous: int | None
    port: int | None
    pid: int | None
    uptime_s: float | None
    restarts: int
    incidents: int
    wanted: int
    ready: int
    instances: tuple[InstanceStatus, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """The agent itself: `state` is `running` or `adopting`; `busy_with` names who changes services.

    `web` is the address of its web API while that serves; else `web_note` says why it does not. `state_note` tells of a
    state that cannot be written.
    """

    pid: int
    version: str
    state: str
    since: str
    busy_with: str | None
    web: str | None
    services: tuple[ServiceStatus, ...]
    web_note: str | None = None
    state_note: str | None = None


def health_score(services: tuple[ServiceStatus, ...]) -> float | None:
    """Return the share of services that are ready, in percent; None when none is wanted to run."""
    wanted = [service for service in services if service.state not in (ServiceState.STOPPED, ServiceState.ABSENT)]
    if not wanted:
        return None
    ready = sum(service.state is ServiceState.RUNNING for service in wanted)
    return 100.0 * ready / len(wanted)
