"""What the words of `sophia bench` name: URLs, services of the settings, or all services that have a port."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from sophia_cli.commands.operating.addresses import base_url, in_order, named_service
from sophia_cli.core.errors import UsageError
from sophia_cli.core.measurement_slo import ErrorObjective, Objective, Percentile, Promised
from sophia_cli.core.values import dataclass
from sophia_cli.project.settings.check_model import ProbeKind
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.service_model import Service, Slo


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


def _named(word: str, root: Path, aim: Aim, environment: str | None) -> Named:
    if "://" in word:
        return Named(word, None, ())
    service = named_service(word, load_settings(root).for_environment(environment))
    return Named(word, None, ()) if service is None else _of_service(service, aim)


def _of_service(service: Service, aim: Aim) -> Named:
    return Named(_url_of(service, aim), service, _objectives(service.slo))


def _url_of(service: Service, aim: Aim) -> str:
    base = base_url(service)
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
