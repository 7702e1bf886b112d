"""From what a command asks for to the parts of an operation: which release replaces which, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sophia_cli.agent.instances.instance import is_over
from sophia_cli.agent.instances.runtime import ServiceRuntime
from sophia_cli.agent.operations.operation import Incoming
from sophia_cli.core.errors import UsageError
from sophia_cli.deploy.handover.recipe import HandoverKind, handover_kind
from sophia_cli.deploy.previews import work_of
from sophia_cli.deploy.releases.model import Release
from sophia_cli.deploy.rollout import Handover, Work
from sophia_cli.project.settings.service_model import Service


def shares_listener(service: Service) -> bool:
    """Whether instances of a service get their listening socket from the agent."""
    return service.port is not None and handover_kind(service) is not HandoverKind.NONE


def incoming(runtime: ServiceRuntime, release: Release) -> Incoming:
    """Return the part of an operation that brings a release in, in place of what serves now."""
    old = [one for one in runtime.active() if not is_over(one.state)]
    previous = runtime.release if old else None
    number = None if previous is None else previous.number
    # A release that served well before needs no canary: a rollback is not to wait.
    weighs = previous is not None and previous.service.strict and release.number not in runtime.good
    return Incoming(work_of(release.service, release.number, number, len(old), weighs=weighs), release, previous)


def leaving(runtime: ServiceRuntime) -> Incoming | None:
    """Return the part of an operation that ends a service, None when nothing of it runs."""
    release = runtime.release
    if release is None:
        return None
    work = Work(
        service=runtime.name,
        release=release.number,
        previous=release.number,
        handover=Handover.DIRECT,
        instances=0,
        old_instances=len(runtime.active()),
        replaces=False,
        gates=False,
        soak_s=0.0,
    )
    return Incoming(work, release, release, keeps_stopped=True)


def stages(parts: Sequence[Incoming], levels: Mapping[str, int]) -> tuple[tuple[Incoming, ...], ...]:
    """Return the parts in the order in which they are run; those of one stage run at once.

    Services that run are replaced one at a time. Where nothing serves yet there is nothing to protect, so first
    deployments of one level start together.
    """
    found: list[tuple[Incoming, ...]] = []
    for level in sorted({levels[part.work.service] for part in parts}):
        here = [part for part in parts if levels[part.work.service] == level]
        first = tuple(part for part in here if part.work.previous is None)
        if first:
            found.append(first)
        found += [(part,) for part in here if part.work.previous is not None]
    return tuple(found)


def rollback_target(runtime: ServiceRuntime, to: int | None) -> int:
    """Return the number of the release to go back to; UsageError (`no-earlier-release`) when there is none."""
    current = None if runtime.release is None else runtime.release.number
    if to is not None:
        return to
    earlier = [number for number in runtime.good if current is None or number < current]
    if not earlier:
        raise UsageError(
            "no-earlier-release",
            f"service `{runtime.name}` has no good release before {current}",
            hint="`--to N` names any release that is kept",
        )
    return max(earlier)
