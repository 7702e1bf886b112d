"""What the settings file says about services, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sophia_cli.project.settings.check_model import Check, Command, Probe


class Strategy(Enum):
    """How a service's release is replaced: the two side by side for a moment, or the old one stopped first."""

    OVERLAP = "overlap"
    REPLACE = "replace"


class PortConflict(Enum):
    """What to do when somebody else holds a service's port."""

    FAIL = "fail"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one instance may use."""

    memory_bytes: int | None = None
    cpus: float | None = None


@dataclass(frozen=True, slots=True)
class Slo:
    """What a service promises: latencies in milliseconds, the share of failed requests from 0 to 1."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    error_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """`[services.NAME]`: exactly one of `app` and `command` is set; `port` is None for a worker."""

    name: str
    app: str | None
    command: Command | None
    port: int | None
    on_port_conflict: PortConflict
    persist: tuple[str, ...]
    cwd: str
    depends_on: tuple[str, ...]
    strategy: Strategy
    replicas: int
    env: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]
    soak_s: float
    startup: Probe | None
    readiness: Probe | None
    liveness: Probe | None
    limits: Limits
    slo: Slo
    checks: tuple[Check, ...]
