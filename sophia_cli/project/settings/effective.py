"""What the settings come to in the end: every value of every service, and whether the file, an environment or a
default says so. Values of secrets are never part of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from sophia_cli.core.units import format_duration, format_size
from sophia_cli.core.values import dataclass
from sophia_cli.project.root import PYPROJECT_FILE
from sophia_cli.project.secrets.looks import is_secret_name, without_passwords
from sophia_cli.project.secrets.model import REDACTED, FoundSecret
from sophia_cli.project.settings.check_model import Command, Probe
from sophia_cli.project.settings.model import Settings
from sophia_cli.project.settings.positions import Path, PositionIndex, index_positions
from sophia_cli.project.settings.service_model import Service

Value = str | int | float | bool | tuple[str, ...]


class Source(Enum):
    """Who says what a value is."""

    BASE = "base"
    ENVIRONMENT = "environment"
    DEFAULT = "default"
    FOUND = "found"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class EffectiveValue:
    """One value: the table and key that it belongs to, and who says so.

    `place` is where: `file:line:column`, the place that has a secret, None for a default. Absent values are left out.
    """

    table: str
    key: str
    value: Value
    source: Source
    place: str | None


def effective_values(
    settings: Settings, text: str, environment: str | None, secrets: Mapping[str, Sequence[FoundSecret]]
) -> tuple[EffectiveValue, ...]:
    """Return all values, the project's first, then service by service in the order of the file.

    `text` is that of the settings file, `secrets` what was found for each service. Raises what
    `Settings.for_environment` raises.
    """
    services = settings.for_environment(environment)
    reader = _Reader(settings.source or "", index_positions(text), environment)
    found = [*reader.tables("project", _project(settings)), *reader.tables("agent", _agent(settings))]
    for service in services:
        found += reader.service(service, secrets.get(service.name, ()))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Reader:
    file: str
    index: PositionIndex
    environment: str | None

    def tables(self, table: str, values: Mapping[str, Value | None]) -> Iterator[EffectiveValue]:
        """Yield the values of a table that no environment changes."""
        for key, value in values.items():
            if value is not None:
                yield self._value(table, key, value, [(Source.BASE, (table, key))])

    def service(self, service: Service, secrets: Sequence[FoundSecret]) -> Iterator[EffectiveValue]:
        """Yield the values of a service."""
        table = f"services.{service.name}"
        for key, value in _service(service).items():
            if value is not None:
                inner: Path = ("services", service.name, *key.split("."))
                yield self._value(table, key, value, self._ways(inner))
        for name, text in service.env:
            ways = self._ways(("services", service.name, "env", name))
            yield self._value(table, f"env.{name}", _redacted(name, text), ways)
        by_name = {secret.name: secret for secret in secrets}
        for name in service.secrets:
            secret = by_name.get(name)
            source = Source.MISSING if secret is None else Source.FOUND
            shown = "" if secret is None else REDACTED
            yield EffectiveValue(table, f"secrets.{name}", shown, source, secret.source if secret else None)

    def _ways(self, inner: Path) -> list[tuple[Source, Path]]:
        ways = [(Source.BASE, inner)]
        if self.environment is not None:
            ways.insert(0, (Source.ENVIRONMENT, ("environments", self.environment, *inner)))
        return ways

    def _value(self, table: str, key: str, value: Value, ways: Sequence[tuple[Source, Path]]) -> EffectiveValue:
        front: Path = ("tool", "sophia") if self.file == PYPROJECT_FILE else ()
        for source, way in ways:
            place = self.index.value((*front, *way))
            # `restart = "never"` says the policy in the place of its table.
            if place is None and key == "restart.policy":
                place = self.index.value((*front, *way[:-1])) if self._is_word((*front, *way[:-1])) else None
            if place is not None:
                return EffectiveValue(table, key, value, source, f"{self.file}:{place.line}:{place.column}")
        return EffectiveValue(table, key, value, Source.DEFAULT, None)

    def _is_word(self, way: Path) -> bool:
        return way in self.index.values and self.index.text[self.index.values[way]] in "\"'"


def _project(settings: Settings) -> Mapping[str, Value | None]:
    project = settings.project
    version = project.python_version
    return {
        "name": project.name,
        "python": project.python,
        "python_version": None if version is None else f"{version[0]}.{version[1]}",
        "include": project.include or None,
        "exclude": project.exclude or None,
        "environment": project.environment.value,
    }


def _agent(settings: Settings) -> Mapping[str, Value | None]:
    return {"web": settings.agent.web, "web_port": settings.agent.web_port}


def _service(service: Service) -> Mapping[str, Value | None]:
    restart, limits, log, healing, slo = service.restart, service.limits, service.log, service.healing, service.slo
    return {
        "app": service.app,
        "command": None if service.command is None else _command(service.command),
        "host": service.host,
        "port": service.port,
        "on_port_conflict": service.on_port_conflict.value,
        "cwd": service.cwd,
        "persist": service.persist,
        "watch": service.watch,
        "depends_on": service.depends_on,
        "strategy": service.strategy.value,
        "replicas": service.replicas,
        "soak": format_duration(service.soak_s),
        "start_timeout": format_duration(service.start_timeout_s),
        "stop_timeout": format_duration(service.stop_timeout_s),
        "drain_timeout": format_duration(service.drain_timeout_s),
        "startup": _probe(service.startup),
        "readiness": _probe(service.readiness),
        "liveness": _probe(service.liveness),
        "restart.policy": restart.when.value,
        "restart.backoff": format_duration(restart.backoff_s),
        "restart.max_backoff": format_duration(restart.max_backoff_s),
        "restart.max_restarts": restart.max_restarts,
        "restart.within": format_duration(restart.within_s),
        "limits.memory": None if limits.memory_bytes is None else format_size(limits.memory_bytes),
        "limits.cpus": limits.cpus,
        "limits.open_files": limits.open_files,
        "limits.processes": limits.processes,
        "log.max_size": format_size(log.max_bytes),
        "log.keep": log.keep,
        "healing.rollback": healing.rollback,
        "healing.restore": healing.restore,
        "healing.install": healing.install,
        "slo.p50_ms": slo.p50_ms,
        "slo.p95_ms": slo.p95_ms,
        "slo.p99_ms": slo.p99_ms,
        "slo.error_rate": slo.error_rate,
        "checks": tuple(check.name for check in service.checks) or None,
    }


def _command(command: Command) -> Value:
    return without_passwords(command.words[0]) if command.shell else tuple(map(without_passwords, command.words))


def _probe(probe: Probe | None) -> str | None:
    if probe is None:
        return None
    target = probe.target or (str(probe.port) if probe.port is not None else "")
    if probe.command is not None:
        target = " ".join(probe.command.words)
    times = f"every {format_duration(probe.interval_s)}, within {format_duration(probe.timeout_s)}"
    return f"{probe.kind.value} {without_passwords(target)}".strip() + f", {times}, {probe.failures} failures decide"


def _redacted(name: str, text: str) -> str:
    return REDACTED if text and is_secret_name(name) else without_passwords(text)
