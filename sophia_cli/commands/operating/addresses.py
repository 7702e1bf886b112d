"""Which service a word of the command line names, where it listens, and which come first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sophia_cli.core.errors import UsageError
from sophia_cli.project.settings.service_model import Service

# Where a service answers that listens on every address.
_LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def named_service(word: str, services: Sequence[Service]) -> Service | None:
    """Return the service that a word names, None for what may be a URL; UsageError (`service-unknown`) for neither."""
    for service in services:
        if service.name == word:
            return service
    if "://" in word or not services or not word.replace("-", "_").isidentifier():
        return None
    known = ", ".join(service.name for service in services)
    raise UsageError("service-unknown", f"no service is called `{word}`", hint=f"the settings declare: {known}")


def base_url(service: Service) -> str:
    """Return the URL of a service, without a path; UsageError (`service-without-port`) when it listens nowhere."""
    if service.port is None:
        raise UsageError(
            "service-without-port",
            f"service `{service.name}` has no port to send requests to",
            hint=f"add `port` to `[services.{service.name}]`, or name a URL",
        )
    host = _LOCAL.get(service.host, service.host)
    return f"http://[{host}]:{service.port}" if ":" in host else f"http://{host}:{service.port}"


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
