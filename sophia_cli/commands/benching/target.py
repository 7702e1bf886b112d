"""What the words of `sophia bench` name: URLs, services of the settings, or all services that have a port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from sophia_cli.core.errors import UsageError
from sophia_cli.core.measurement_slo import ErrorObjective, Objective, Percentile, Promised
from sophia_cli.core.values import dataclass
from sophia_cli.project.settings.check_model import ProbeKind
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.service_model import Service, Slo

# Where a service answers that listens on every address.
_LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Aim(Enum):
    """What of a service is measured: requests for a URL, calls of an MCP tool, or a flow."""

    REQUEST = "request"
    TOOL = "tool"
    FLOW = "flow"


@dataclass(frozen=True, slots=True)
class Named:
    """A URL to bench, and the service that it belongs to (None for a bare URL) with what that one promises."""

    url: str
    service: Service | None
    objectives: tuple[Promised, ...]


def named_targets(words: Sequence[str], root: Path, aim: Aim, environment: str | None) -> tuple[Named, ...]:
    """Return what the words name, each once; without words every service with a port, those it depends on first.

    A service is asked at the path of its HTTP probe, else `/`; for a tool at that of its MCP probe, else `/mcp`; a flow
    has its own paths. With an `environment` services are as they are there.

    UsageError for a service that is not declared or has no port, and where there are neither words nor services. A word
    that cannot be the name of a declared service is returned as a URL, which is judged where it is taken apart.
    """
    if words:
        return tuple(dict.fromkeys(_named(word, root, aim, environment) for word in words))
    services = load_settings(root).for_environment(environment)
    found = tuple(_of_service(service, aim) for service in in_order(services) if service.port is not None)
    if not found:
        hint = "write `sophia bench http://127.0.0.1:8000/health`, or declare services in the settings"
        raise UsageError("usage", "no target is named, and the settings declare no service with a port", hint=hint)
    return found


def in_order(services: Sequence[Service]) -> tuple[Service, ...]:
    """Return services with those they depend on before them, else as they are declared."""
    by_name = {service.name: service for service in services}
    placed: dict[str, Service] = {}

    def place(service: Service) -> Iterator[Service]:
        if service.name not in placed:
            # Before the others: the settings refuse circles, and one must not be endless here either.
            placed[service.name] = service
            for name in service.depends_on:
                yield from place(by_name[name])
            yield service

    return tuple(one for service in services for one in place(service))


def _named(word: str, root: Path, aim: Aim, environment: str | None) -> Named:
    if "://" in word:
        return Named(word, None, ())
    services = load_settings(root).for_environment(environment)
    for service in services:
        if service.name == word:
            return _of_service(service, aim)
    if not services or not word.replace("-", "_").isidentifier():
        return Named(word, None, ())
    known = ", ".join(service.name for service in services)
    raise UsageError("service-unknown", f"no service is called `{word}`", hint=f"the settings declare: {known}")


def _of_service(service: Service, aim: Aim) -> Named:
    return Named(_url_of(service, aim), service, _objectives(service.slo))


def _url_of(service: Service, aim: Aim) -> str:
    if service.port is None:
        raise UsageError(
            "service-without-port",
            f"service `{service.name}` has no port to send requests to",
            hint=f"add `port` to `[services.{service.name}]`, or name a URL",
        )
    host = _LOCAL.get(service.host, service.host)
    base = f"http://[{host}]:{service.port}" if ":" in host else f"http://{host}:{service.port}"
    if aim is Aim.FLOW:
        return base
    kind, usual = (ProbeKind.MCP, "/mcp") if aim is Aim.TOOL else (ProbeKind.HTTP, "/")
    for probe in (service.readiness, service.liveness):
        if probe is not None and probe.kind is kind:
            return base + probe.target if probe.target.startswith("/") else probe.target
    return base + usual


def _objectives(slo: Slo) -> tuple[Promised, ...]:
    limits = ((Percentile.P50, slo.p50_ms), (Percentile.P95, slo.p95_ms), (Percentile.P99, slo.p99_ms))
    latencies = tuple(Objective(percentile, limit) for percentile, limit in limits if limit is not None)
    return latencies if slo.error_rate is None else (*latencies, ErrorObjective(slo.error_rate))
