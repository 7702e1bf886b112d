"""`sophia deploy --strict` and `--canary`: services with HAProxy in front, for this deployment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass, replace
from sophia_cli.project.settings.service_model import Canary, Service

if TYPE_CHECKING:
    from sophia_cli.deploy.plan import DeploymentPlan

_FEWEST, _MOST = 1, 99


@dataclass(frozen=True, slots=True)
class StrictWish:
    """What the command line asks for: `names` are the services that it is about, none for all that can be strict."""

    names: tuple[str, ...] = ()
    strict: bool = False
    canary: int | None = None


def strict_wish(names: Iterable[str], strict: bool, canary: int | None) -> StrictWish:
    """Return what is asked for; UsageError for a share that is none."""
    if canary is not None and not _FEWEST <= canary <= _MOST:
        raise UsageError("usage", f"`--canary {canary}` is no share", hint=f"give {_FEWEST} to {_MOST} percent")
    return StrictWish(tuple(names), strict, canary)


def as_wished(services: Sequence[Service], wish: StrictWish) -> tuple[Service, ...]:
    """Return the services of the settings as the command line wants them; UsageError for what cannot be.

    Services that cannot be strict (workers, those that bind by themselves) stay as they are, unless they are named.
    """
    return tuple(_wished(service, wish) for service in services)


def _wished(service: Service, wish: StrictWish) -> Service:
    if wish.names and service.name not in wish.names:
        return service
    if service.app is not None and not (service.strict or wish.strict):
        # Nobody asks whether it could be; of a command, that also tells whether it can run at all.
        return _with_canary(service, wish)
    from sophia_cli.deploy.previews import can_be_strict

    able = can_be_strict(service)
    is_asked = wish.strict and (able or service.name in wish.names)
    if (service.strict or is_asked) and not able:
        raise UsageError(
            "command-unsupported",
            f"service `{service.name}` cannot be strict: HAProxy needs a port that the service takes from Sophia, and "
            "two instances side by side",
            hint="leave `strict` out for it",
        )
    return _with_canary(replace(service, strict=True) if is_asked else service, wish)


def _with_canary(service: Service, wish: StrictWish) -> Service:
    if wish.canary is None:
        return service
    if service.strict:
        usual = service.canary or Canary(wish.canary)
        return replace(service, canary=replace(usual, weight=wish.canary))
    if service.name in wish.names:
        raise UsageError(
            "usage",
            f"service `{service.name}` is not strict, so no share of its requests can be chosen",
            hint="add `--strict`, or `strict = true` in the settings",
        )
    return service


def check_haproxy(plan: DeploymentPlan) -> None:
    """Raise UnavailableError (`haproxy-missing`) when something is to be deployed that cannot run without it."""
    for service in plan.to_deploy:
        if service.candidate is not None and service.candidate.service.strict:
            from sophia_cli.project.host.haproxy import require_haproxy

            require_haproxy(os.environ, service.name)
