"""What the settings file says about services, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Strategy(Enum):
    """How a service's release is replaced: the two side by side for a moment, or the old one stopped first."""

    OVERLAP = "overlap"
    REPLACE = "replace"


class PortConflict(Enum):
    """What to do when somebody else holds a service's port."""

    FAIL = "fail"
    MOVE = "move"


class ProbeKind(Enum):
    """What a probe does."""

    HTTP = "http"
    TCP = "tcp"
    COMMAND = "command"
    MCP = "mcp"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line: the words of a list, or one string for the shell."""

    words: tuple[str, ...]
    shell: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe. `target` is the path or URL (http, mcp) or empty; `port` is for tcp, None being the service's own."""

    kind: ProbeKind
    target: str
    port: int | None
    command: Command | None
    interval_s: float
    timeout_s: float
    failures: int


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
class Check:
    """A functional check: send `method path` with `json_text` as the body, expect `status`."""

    name: str
    method: str
    path: str
    json_text: str | None
    status: int
    gate: bool


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
