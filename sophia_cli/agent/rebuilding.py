"""Services known again without a written state: from what their processes carry, and by who serves the public address.

The state may be lost in the middle of a rollout. Then instances of two releases run: those stay that take callers,
and of two that do the one that was there first; the others have done nothing yet that anybody relies on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sophia_cli.agent.state.rows import InstanceRow, ServiceRow
from sophia_cli.core.service_status import Role
from sophia_cli.core.values import dataclass, replace
from sophia_cli.deploy.releases.model import Release
from sophia_cli.project.host.listening import HeldListener, held_listeners
from sophia_cli.project.host.processes import ProjectProcess
from sophia_cli.project.settings.service_model import PortConflict, Service

_PRIVATE_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What runs, as rows: `instances` that are to leave are DRAINING."""

    services: tuple[ServiceRow, ...]
    instances: tuple[InstanceRow, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """The first process of an instance, and the sockets that its processes listen on."""

    row: InstanceRow
    started: int
    listeners: tuple[HeldListener, ...]

    def rank(self, port: int | None) -> int:
        """Return how sure it is that the instance takes callers on a port: 2 it waits for them, 1 it could, 0 no."""
        here = [one for one in self.listeners if one.address.port == port]
        return 2 if any(one.is_polled for one in here) else int(bool(here))


def rebuild(processes: Sequence[ProjectProcess], read: Callable[[str, int], Release | None]) -> Rebuilt:
    """Return the services and instances that the environments and sockets of running processes tell of."""
    services: list[ServiceRow] = []
    instances: list[InstanceRow] = []
    found = _instances(processes)
    for name in sorted({one.row.service for one in found}):
        own = [one for one in found if one.row.service == name]
        releases = {one.row.release: read(name, one.row.release) for one in own}
        own = [one for one in own if releases[one.row.release] is not None]
        if not own:
            continue
        known = {number: release.service for number, release in releases.items() if release is not None}
        ports = {number: _public_port(service, own) for number, service in known.items()}
        stays = _release_that_stays(own, ports)
        chosen = _that_stay([one for one in own if one.row.release == stays], ports[stays])
        port = ports[stays]
        moved = port if port != known[stays].port else None
        services.append(ServiceRow(name, stays, good=(stays,), moved_port=moved))
        for one in own:
            role = Role.ACTIVE if one in chosen else Role.DRAINING
            instances.append(replace(one.row, role=role, private_port=_private_port(one, port)))
    return Rebuilt(tuple(services), tuple(instances))


def _instances(processes: Iterable[ProjectProcess]) -> list[_Found]:
    """Return the instances whose first process runs, those that were started first before the others."""
    members: dict[str, list[int]] = {}
    firsts: dict[str, ProjectProcess] = {}
    for process in sorted(processes, key=lambda one: one.identity.start_ticks):
        members.setdefault(process.instance, []).append(process.identity.pid)
        # The first process of an instance leads its session; the others are what it started.
        if process.identity.pid == process.session and process.instance and process.release.isdigit():
            firsts.setdefault(process.instance, process)
    held = held_listeners([pid for name in firsts for pid in members[name]])
    return [
        _Found(
            _row(process),
            process.identity.start_ticks,
            tuple(one for one in held if one.pid in frozenset(members[name])),
        )
        for name, process in firsts.items()
    ]


def _row(process: ProjectProcess) -> InstanceRow:
    return InstanceRow(
        name=process.instance,
        service=process.service,
        release=int(process.release),
        number=_number_of(process.instance),
        batch="found",
        role=Role.ACTIVE,
        identity=process.identity,
        private_port=None,
        log_from=0,
        was_ready=True,
    )


def _public_port(service: Service, found: Sequence[_Found]) -> int | None:
    """Return the port on which callers reach a service: its own, or the one that it had to move to."""
    if service.port is None or service.on_port_conflict is not PortConflict.MOVE:
        return service.port
    if any(one.rank(service.port) for one in found):
        return service.port
    # It listens above its own port; a private address may lie there too, so whoever was there first tells.
    above = sorted(one.address.port for one in found[0].listeners if one.address.port > service.port)
    return above[0] if above else service.port


def _release_that_stays(found: Sequence[_Found], ports: dict[int, int | None]) -> int:
    def weight(release: int) -> tuple[int, int]:
        own = [one for one in found if one.row.release == release]
        serving = {one.row.number for one in own if one.rank(ports[release])}
        waiting = {one.row.number for one in own if one.rank(ports[release]) == 2}
        return len(waiting), len(serving)

    # Of equal ones the first is taken, which is the one that was started first.
    return max(dict.fromkeys(one.row.release for one in found), key=weight)


def _that_stay(found: Sequence[_Found], port: int | None) -> list[_Found]:
    """Return one instance for each number: the one that takes callers, of two that do the earlier one."""
    best: dict[int, _Found] = {}
    for one in found:
        known = best.get(one.row.number)
        if known is None or one.rank(port) > known.rank(port):
            best[one.row.number] = one
    return list(best.values())


def _private_port(found: _Found, public: int | None) -> int | None:
    ports = {one.address.port for one in found.listeners if one.address.host == _PRIVATE_HOST} - {public}
    return min(ports) if public is not None and len(ports) == 1 else None


def _number_of(instance: str) -> int:
    """Return the number of an instance from its name (`api-3-0-a1b2c3`)."""
    words = instance.rsplit("-", 2)
    return int(words[1]) if len(words) == 3 and words[1].isdigit() else 0
