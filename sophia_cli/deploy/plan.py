"""Which services are deployed, in which order and why: one object, printed by `--plan` and executed by a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import assert_never

from sophia_cli.core.errors import UsageError
from sophia_cli.core.nearest import did_you_mean
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.fingerprint import Change, Difference, Fingerprint, Part, differences
from sophia_cli.project.settings.service_model import Service

Ways = Mapping[str, tuple[str, ...]]
"""For a file of a closure, the files from the entry point to it, both included, each imported by the one before."""

_MOST_PACKAGES = 5


class Action(Enum):
    """What a deployment does with one service."""

    DEPLOY = "deploy"
    START = "start"  # the release that it had, which is down
    UNCHANGED = "unchanged"
    REMOVED = "removed"


class Cause(Enum):
    """Why a service is deployed or removed."""

    FIRST = "first"
    FORCED = "forced"
    DIFFERENT = "different"
    DOWN = "down"
    NOT_DECLARED = "not-declared"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `differences` are of one part; `way` leads from an entry point to the file, where it is a file's."""

    cause: Cause
    differences: tuple[Difference, ...] = ()
    way: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The reason in words, lower case start and no full stop."""
        match self.cause:
            case Cause.FIRST:
                return "first deployment"
            case Cause.FORCED:
                return "asked for"
            case Cause.DOWN:
                return "it was down"
            case Cause.NOT_DECLARED:
                return "no longer in the settings"
            case Cause.DIFFERENT:
                return _told(self.differences, self.way)
            case _:
                assert_never(self.cause)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service as the settings and the files have it now; `ways` explain its files."""

    service: Service
    fingerprint: Fingerprint
    ways: Ways


@dataclass(frozen=True, slots=True)
class Active:
    """The release of a service that runs; `is_down`: nothing of it does, since it was stopped or given up."""

    service: Service
    number: int
    fingerprint: Fingerprint
    is_down: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for: `names` are services, none for all of them; `all` deploys what did not change, too."""

    names: tuple[str, ...] = ()
    all: bool = False


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """What is done with one service.

    `level` is 0 for services that depend on none, and one more than the highest level of those it depends on.
    `previous` is the number of the release that runs, None without one; `is_down`: nothing of it does. A service that
    is removed has no `candidate`; one that is left as it is because others were named is not `is_asked`.
    """

    name: str
    action: Action
    reasons: tuple[Reason, ...]
    level: int
    previous: int | None
    candidate: Candidate | None
    is_down: bool = False
    is_asked: bool = True


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A service that is deployed depends on one that changed or is down and that was not asked for."""

    service: str
    dependency: str
    is_deployed: bool
    is_down: bool = False

    @property
    def sentence(self) -> str:
        """The note in words."""
        state = "is down" if self.is_down else "changed too" if self.is_deployed else "was never deployed"
        return f"`{self.dependency}`, which `{self.service}` depends on, {state} and was not asked for"


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """All services, in the order in which they are looked after: dependencies first, those to remove last."""

    services: tuple[ServicePlan, ...]
    notes: tuple[LeftBehind, ...] = ()

    @property
    def to_deploy(self) -> tuple[ServicePlan, ...]:
        """The services that get a new release, dependencies first."""
        return tuple(service for service in self.services if service.action is Action.DEPLOY)

    @property
    def to_bring_in(self) -> tuple[ServicePlan, ...]:
        """The services of which a release comes in, a new one or the one that is down, dependencies first."""
        return tuple(service for service in self.services if service.action in (Action.DEPLOY, Action.START))

    @property
    def to_remove(self) -> tuple[ServicePlan, ...]:
        """The services that are stopped for good, those that depend on others first."""
        return tuple(service for service in self.services if service.action is Action.REMOVED)

    @property
    def levels(self) -> tuple[tuple[ServicePlan, ...], ...]:
        """The services to deploy, grouped: those of one group do not depend on one another."""
        found: dict[int, list[ServicePlan]] = {}
        for service in self.to_deploy:
            found.setdefault(service.level, []).append(service)
        return tuple(tuple(found[level]) for level in sorted(found))

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to do."""
        return any(service.action is not Action.UNCHANGED for service in self.services)


def plan_deployment(
    candidates: Sequence[Candidate], active: Mapping[str, Active], wanted: Wanted | None = None
) -> DeploymentPlan:
    """Return what a deployment does.

    `active` are the running releases by service; one that no candidate has is removed, unless services were named.
    UsageError (`service-unknown`) for a name that no service has.
    """
    wanted = wanted or Wanted()
    by_name = {candidate.service.name: candidate for candidate in candidates}
    for name in wanted.names:
        if name not in by_name:
            raise _unknown(name, list(by_name))
    levels = levels_of([candidate.service for candidate in candidates])
    ordered = sorted(candidates, key=lambda candidate: levels[candidate.service.name])
    planned = [
        _planned(candidate, active.get(candidate.service.name), levels[candidate.service.name], wanted)
        for candidate in ordered
    ]
    removed = [] if wanted.names else list(_removed(by_name, active))
    notes = _left_behind(planned, by_name, active) if wanted.names else ()
    return DeploymentPlan((*planned, *removed), tuple(notes))


def levels_of(services: Sequence[Service]) -> dict[str, int]:
    """Return the level of every service by `depends_on`; names that no service has are passed over.

    ValueError when services wait for one another: the settings are refused before that.
    """
    waiting = {service.name: set(service.depends_on) for service in services}
    for dependencies in waiting.values():
        dependencies.intersection_update(waiting)
    levels: dict[str, int] = {}
    level = 0
    while len(levels) < len(waiting):
        ready = [name for name, needed in waiting.items() if name not in levels and needed <= levels.keys()]
        if not ready:
            raise ValueError("services depend on one another in a circle")
        levels.update(dict.fromkeys(ready, level))
        level += 1
    return levels


def _planned(candidate: Candidate, active: Active | None, level: int, wanted: Wanted) -> ServicePlan:
    name = candidate.service.name
    previous = None if active is None else active.number
    is_asked = not wanted.names or name in wanted.names
    reasons = _reasons(candidate, active, is_forced=wanted.all) if is_asked else ()
    action = Action.DEPLOY if reasons else Action.UNCHANGED
    if tuple(reason.cause for reason in reasons) == (Cause.DOWN,):
        action = Action.START
    is_down = active is not None and active.is_down
    return ServicePlan(name, action, reasons, level, previous, candidate, is_down, is_asked)


def _reasons(candidate: Candidate, active: Active | None, is_forced: bool) -> tuple[Reason, ...]:
    if active is None:
        return (Reason(Cause.FIRST),)
    found = tuple(_differing(differences(active.fingerprint, candidate.fingerprint), candidate.ways))
    if found or is_forced:
        return found or (Reason(Cause.FORCED),)
    return (Reason(Cause.DOWN),) if active.is_down else ()


def _differing(found: Sequence[Difference], ways: Ways) -> Iterator[Reason]:
    for part in Part:
        here = tuple(difference for difference in found if difference.part is part)
        if part is Part.PACKAGES and here:
            yield Reason(Cause.DIFFERENT, here)
        elif part is not Part.PACKAGES:
            for difference in here:
                yield Reason(Cause.DIFFERENT, (difference,), ways.get(difference.name, ()))


def _removed(by_name: Mapping[str, Candidate], active: Mapping[str, Active]) -> Iterator[ServicePlan]:
    gone = [running for name, running in active.items() if name not in by_name]
    levels = levels_of([running.service for running in gone])
    for running in sorted(gone, key=lambda one: -levels[one.service.name]):
        name = running.service.name
        reason = Reason(Cause.NOT_DECLARED)
        yield ServicePlan(name, Action.REMOVED, (reason,), levels[name], running.number, None)


def _left_behind(
    planned: Sequence[ServicePlan], by_name: Mapping[str, Candidate], active: Mapping[str, Active]
) -> Iterator[LeftBehind]:
    coming = {service.name for service in planned if service.action is not Action.UNCHANGED}
    for service in planned:
        if service.name not in coming:
            continue
        for name in by_name[service.name].service.depends_on:
            if name not in by_name or name in coming:
                continue
            if reasons := _reasons(by_name[name], active.get(name), False):
                is_down = reasons[0].cause is Cause.DOWN
                yield LeftBehind(service.name, name, is_deployed=name in active, is_down=is_down)


def _told(found: Sequence[Difference], way: Sequence[str]) -> str:
    first = found[0]
    match first.part:
        case Part.CODE:
            return f"`{first.name}` {_verb(first)}{_imported(way)}"
        case Part.DATA:
            return f"`{first.name}`, which is watched, {_verb(first)}"
        case Part.SETTINGS:
            return f"setting `{first.name}` {_verb(first)}"
        case Part.SECRETS:
            return f"secret `{first.name}` {_verb(first)}"
        case Part.PACKAGES:
            told = ", ".join(_versions(difference) for difference in found[:_MOST_PACKAGES])
            more = f" and {len(found) - _MOST_PACKAGES} more" if len(found) > _MOST_PACKAGES else ""
            return f"packages differ: {told}{more}"
        case Part.PYTHON:
            return f"Python differs: {first.before} -> {first.after}"
        case Part.ENVIRONMENT:
            return f"environment differs: {first.before or 'none'} -> {first.after or 'none'}"
        case _:
            assert_never(first.part)


def _verb(difference: Difference) -> str:
    match difference.change:
        case Change.ADDED:
            return "was added"
        case Change.REMOVED:
            return "was removed"
        case Change.CHANGED:
            return "changed"
        case _:
            assert_never(difference.change)


def _imported(way: Sequence[str]) -> str:
    """Return who imports the last file of a way, in words; nothing for an entry point."""
    if len(way) < 2:
        return ""
    between = way[1:-1]
    through = f" through {', '.join(f'`{path}`' for path in between[:2])}" if between else ""
    return f", imported by `{way[0]}`{through}{' and others' if len(between) > 2 else ''}"


def _versions(difference: Difference) -> str:
    match difference.change:
        case Change.ADDED:
            return f"+ {difference.name} {difference.after}"
        case Change.REMOVED:
            return f"- {difference.name} {difference.before}"
        case Change.CHANGED:
            return f"{difference.name} {difference.before} -> {difference.after}"
        case _:
            assert_never(difference.change)


def _unknown(name: str, known: Sequence[str]) -> UsageError:
    hint = did_you_mean(name, known, f"services: {', '.join(known)}" if known else "none is declared")
    return UsageError("service-unknown", f"the settings have no service `{name}`", hint=hint)
