"""The steps that a planned service would go through: the very objects that a rollout executes."""

from __future__ import annotations

from sophia_cli.deploy.handover.recipe import HandoverKind, handover_kind
from sophia_cli.deploy.plan import ServicePlan
from sophia_cli.deploy.rollout import Handover, Planned, Work, steps_of
from sophia_cli.project.settings.service_model import Service, Strategy


def work_of(service: Service, release: int, previous: int | None, old_instances: int, *, weighs: bool = False) -> Work:
    """Return the work that brings a release of a service in, in place of `old_instances` of `previous`.

    `weighs`: what runs is strict too and the release has not served yet, so that a canary makes sense.
    """
    kind = handover_kind(service)
    # What binds its port by itself cannot run beside another one on that port.
    binds_alone = service.port is not None and kind is HandoverKind.NONE
    return Work(
        service=service.name,
        release=release,
        previous=previous,
        handover=handover_of(service, kind),
        instances=service.replicas,
        old_instances=old_instances,
        replaces=service.strategy is Strategy.REPLACE or binds_alone,
        gates=any(check.gate for check in service.checks),
        soak_s=service.soak_s,
        canary=service.canary if weighs and service.strict else None,
    )


def handover_of(service: Service, kind: HandoverKind) -> Handover:
    """Return how instances come to the public address."""
    if service.port is None or kind is HandoverKind.NONE:
        return Handover.DIRECT
    if service.strict:
        return Handover.PROXY
    return Handover.ATTACH if kind is HandoverKind.LAUNCHER else Handover.RESTART


def can_be_strict(service: Service) -> bool:
    """Whether HAProxy can be put in front of a service."""
    is_alone = service.port is None or service.strategy is Strategy.REPLACE
    return not is_alone and handover_kind(service) is not HandoverKind.NONE


def is_behind_proxy(service: Service) -> bool:
    """Whether instances of a service serve privately only, with HAProxy on the public address."""
    return service.strict and handover_of(service, handover_kind(service)) is Handover.PROXY


def preview(planned: ServicePlan) -> tuple[Planned, ...]:
    """Return the steps of a planned deployment, none for a service that is left as it is."""
    candidate = planned.candidate
    if candidate is None or not planned.reasons:
        return ()
    old = 0 if planned.previous is None or planned.is_down else candidate.service.replicas
    becomes_strict = any(one.name == "strict" for reason in planned.reasons for one in reason.differences)
    previous = None if planned.is_down else planned.previous
    return steps_of(work_of(candidate.service, 0, previous, old, weighs=not becomes_strict))
