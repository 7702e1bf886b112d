"""What the words of `sophia verify` name: URLs, services of the settings, or all services that have a port."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sophia_cli.checks.verify import VerifyPlan
from sophia_cli.commands.operating.addresses import base_url, in_order, named_service
from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass, replace
from sophia_cli.project.secrets.chain import find_secrets
from sophia_cli.project.secrets.model import Provider
from sophia_cli.project.secrets.providers import usual_providers
from sophia_cli.project.settings.check_model import Probe, ProbeKind
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.service_model import Service


@dataclass(frozen=True, slots=True)
class VerifyWishes:
    """What is asked for on the command line, for every service alike; `fuzz` is an environment, see VerifyPlan."""

    timeout_s: float
    writes: bool
    allow_remote: bool
    insecure: bool
    fuzz: Mapping[str, str] | None = None


def verify_plans(
    words: Sequence[str], root: Path, environment: str | None, wishes: VerifyWishes
) -> tuple[VerifyPlan, ...]:
    """Return what to verify, each once, with the secrets that checks may use.

    Without words that is every service with a port, those it depends on first.
    UsageError for a service that is not declared or has no port, and where there are neither words nor services.
    """
    # A broken settings file is no reason against looking at a URL.
    services = () if words and all("://" in word for word in words) else _services(root, environment)
    providers = usual_providers(root, environment, os.environ)
    if words:
        return tuple(_named(word, services, root, wishes, providers) for word in dict.fromkeys(words))
    of_services = (service for service in in_order(services) if service.port is not None)
    found = tuple(_of_service(service, root, wishes, providers) for service in of_services)
    if not found:
        hint = "write `sophia verify http://127.0.0.1:8000`, or declare services in the settings"
        raise UsageError("usage", "no target is named, and the settings declare no service with a port", hint=hint)
    return found


def _services(root: Path, environment: str | None) -> tuple[Service, ...]:
    return load_settings(root).for_environment(environment)


def _named(
    word: str, services: Sequence[Service], root: Path, wishes: VerifyWishes, providers: Sequence[Provider]
) -> VerifyPlan:
    service = named_service(word, services)
    return _plan(_host(word), word, root, wishes) if service is None else _of_service(service, root, wishes, providers)


def _host(url: str) -> str:
    """Return what a bare URL is called in the report; what is no URL is judged where it is taken apart."""
    from urllib.parse import urlsplit

    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _of_service(service: Service, root: Path, wishes: VerifyWishes, providers: Sequence[Provider]) -> VerifyPlan:
    plan = _plan(service.name, base_url(service), root, wishes, service)
    # One that no place has is told by the check that needs it; most checks need none.
    return replace(plan, secret_names=service.secrets, secrets=find_secrets(service.secrets, providers))


def _plan(name: str, url: str, root: Path, wishes: VerifyWishes, service: Service | None = None) -> VerifyPlan:
    probes = () if service is None else _probes(service)
    spoken = [probe.target for _, probe in probes if probe.kind is ProbeKind.MCP]
    checks = () if service is None else service.checks
    spoken += [check.path for check in checks if check.mcp is not None]
    return VerifyPlan(
        name=name,
        url=url,
        declared=checks,
        root=root,
        timeout_s=wishes.timeout_s,
        probes=probes,
        mcp_paths=tuple(dict.fromkeys(path for path in spoken if path.startswith("/") and "{" not in path)),
        open_api=None if service is None else service.open_api,
        writes=wishes.writes,
        fuzz=wishes.fuzz,
        allow_remote=wishes.allow_remote,
        insecure=wishes.insecure,
    )


def _probes(service: Service) -> tuple[tuple[str, Probe], ...]:
    named = (("startup", service.startup), ("readiness", service.readiness), ("liveness", service.liveness))
    return tuple((name, probe) for name, probe in named if probe is not None)
