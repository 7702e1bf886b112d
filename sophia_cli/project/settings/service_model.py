"""What the settings file says about services, as values."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass
from sophia_cli.project.settings.check_model import Check, Command, Probe


class Strategy(Enum):
    """How a service's release is replaced: the two side by side for a moment, or the old one stopped first."""

    OVERLAP = "overlap"
    REPLACE = "replace"


class PortConflict(Enum):
    """What to do when somebody else holds a service's port."""

    FAIL = "fail"
    MOVE = "move"


class RestartWhen(Enum):
    """When an instance that ended is started again."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """`restart`: when to start again, how the wait grows, and how many restarts within how long are a crash loop."""

    when: RestartWhen = RestartWhen.ALWAYS
    backoff_s: float = 0.1
    max_backoff_s: float = 30.0
    max_restarts: int = 5
    within_s: float = 60.0


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`log`: a log file is rotated at `max_bytes`, `keep` older ones stay."""

    max_bytes: int = 10_000_000
    keep: int = 5


@dataclass(frozen=True, slots=True)
class Healing:
    """`healing`: which recoveries beyond a restart the agent may do by itself."""

    rollback: bool = True
    restore: bool = True
    install: bool = False


@dataclass(frozen=True, slots=True)
class Canary:
    """`canary`: a new release first gets `weight` percent of the requests for a while, beside the old one."""

    weight: int
    for_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one instance may use."""

    memory_bytes: int | None = None
    cpus: float | None = None
    open_files: int | None = None
    processes: int | None = None


@dataclass(frozen=True, slots=True)
class Slo:
    """What a service promises: latencies in milliseconds, the share of failed requests from 0 to 1."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    error_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """`[services.NAME]`: exactly one of `app` and `command` is set; `port` is None for a worker.

    A `strict` service has HAProxy in front of it; only then a `canary` can be weighed.
    `watch` are gitignore-style patterns of files that count into the fingerprint beside the code. `open_api` is a path
    of the service or a file of the project.
    """

    name: str
    app: str | None = None
    command: Command | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    on_port_conflict: PortConflict = PortConflict.FAIL
    persist: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    cwd: str = "."
    depends_on: tuple[str, ...] = ()
    strategy: Strategy = Strategy.OVERLAP
    strict: bool = False
    canary: Canary | None = None
    replicas: int = 1
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    soak_s: float = 1.0
    start_timeout_s: float = 60.0
    stop_timeout_s: float = 10.0
    drain_timeout_s: float = 30.0
    startup: Probe | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None
    restart: RestartPolicy = RestartPolicy()
    limits: Limits = Limits()
    log: LogSettings = LogSettings()
    healing: Healing = Healing()
    slo: Slo = Slo()
    checks: tuple[Check, ...] = ()
    open_api: str | None = None
