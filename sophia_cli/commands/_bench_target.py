"""What the first word of `sophia bench` names: a URL, or a service of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sophia_cli.core.errors import UsageError
from sophia_cli.core.measurement_slo import Objective, Percentile
from sophia_cli.project.settings.check_model import ProbeKind
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.service_model import Service, Slo


@dataclass(frozen=True, slots=True)
class Named:
    """A URL to bench, under the name of its service (None for a bare URL), with what the service promises."""

    url: str
    name: str | None
    objectives: tuple[Objective, ...]


def named_target(word: str, root: Path) -> Named:
    """Return what a word names; UsageError for a service that is not declared, or has no port.

    A word that cannot be the name of a declared service is returned as a URL, which is judged where it is taken apart.
    """
    if "://" in word:
        return Named(word, None, ())
    services = load_settings(root).services
    for service in services:
        if service.name == word:
            return Named(_url_of(service), service.name, _objectives(service.slo))
    if not services or not word.replace("-", "_").isidentifier():
        return Named(word, None, ())
    known = ", ".join(service.name for service in services)
    raise UsageError("service-unknown", f"no service is called `{word}`", hint=f"the settings declare: {known}")


def _url_of(service: Service) -> str:
    if service.port is None:
        raise UsageError(
            "service-without-port",
            f"service `{service.name}` has no port to send requests to",
            hint=f"add `port` to `[services.{service.name}]`, or name a URL",
        )
    base = f"http://127.0.0.1:{service.port}"
    for probe in (service.readiness, service.liveness):
        if probe is not None and probe.kind is ProbeKind.HTTP:
            return base + probe.target if probe.target.startswith("/") else probe.target
    return base + "/"


def _objectives(slo: Slo) -> tuple[Objective, ...]:
    limits = ((Percentile.P50, slo.p50_ms), (Percentile.P95, slo.p95_ms), (Percentile.P99, slo.p99_ms))
    return tuple(Objective(percentile, limit) for percentile, limit in limits if limit is not None)
