"""Taking over what an earlier agent left: services as written down, their processes, their listeners."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterable
from typing import Protocol

from sophia_cli.agent.addresses import Addresses
from sophia_cli.agent.instances.environment import url_variable
from sophia_cli.agent.instances.instance import Instance, InstanceName, once_only
from sophia_cli.agent.instances.secret_values import SecretValues
from sophia_cli.agent.instances.starter import ProjectStarter
from sophia_cli.agent.listening.listeners import Listeners
from sophia_cli.agent.operations.planning import shares_listener
from sophia_cli.agent.proxy.proxy import Proxy
from sophia_cli.agent.rebuilding import rebuild
from sophia_cli.agent.roster import Roster
from sophia_cli.agent.state.keeper import Keeper, Pending
from sophia_cli.agent.state.rows import InstanceRow, ServiceRow
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.service_status import Role
from sophia_cli.core.values import dataclass, replace
from sophia_cli.deploy.releases.model import Release
from sophia_cli.deploy.releases.store import ReleaseStore
from sophia_cli.deploy.rollout import Phase, resumed
from sophia_cli.project.failpoints import AgentFailpoint, failpoint
from sophia_cli.project.host.processes import (
    ProjectProcess,
    environment_value,
    is_running,
    processes_of_project,
    running_for_s,
    send_signal,
)
from sophia_cli.project.state_folder import StateFolder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Adopted:
    """The services that are known again, how many processes go on, and the instances that nobody needs any more."""

    services: tuple[str, ...]
    processes: int
    superfluous: tuple[Instance, ...]


class Household(Protocol):
    """What is put in order by an adoption."""

    state: StateFolder
    keeper: Keeper
    releases: ReleaseStore
    listeners: Listeners
    secrets: SecretValues
    starter: ProjectStarter
    proxy: Proxy
    roster: Roster
    addresses: Addresses

    def now(self) -> float:
        """Return the time of the agent's clock."""


def adopt_services(home: Household) -> Adopted:
    """Take over services, processes and listeners; what nobody knows of is ended.

    Where the state was lost, services and their releases are what the running processes say.
    """
    processes = processes_of_project(str(home.state.root))
    rows = home.keeper.instances()
    services = home.keeper.services()
    is_lost = home.keeper.is_fresh and bool(processes)
    if is_lost:
        rebuilt = rebuild(processes, lambda name, number: _read(home.releases, name, number))
        rows, services = rebuilt.instances, rebuilt.services
        log.warning("state rebuilt from running processes", extra={"instances": len(rows)})
    home.keeper.close_left_open("agent-restarted")
    adopted = 0
    pending = home.keeper.pending()
    begun = frozenset(() if pending is None else (one.work.service for one in pending.rollouts))
    services = _with_first_deployments(services, begun)
    for service in services:
        _restore_service(home, service, is_coming=service.name in begun)
    for row in (_found_again(one, processes) for one in rows):
        adopted += _restore_instance(home, row, is_coming=pending is not None and row.batch == pending.run_id)
    home.proxy.adopt()
    failpoint(AgentFailpoint.PROCESSES_ADOPTED)
    known = {instance.id.name for service in services for instance in home.roster.runtime(service.name).instances}
    _end_unknown(process for process in processes if process.instance not in known)
    coming = {} if pending is None else _coming_through(home, pending)
    for service in services:
        _restore_listener(home, service, coming.get(service.name))
        home.keeper.save_service(home.roster.runtime(service.name))
    failpoint(AgentFailpoint.LISTENERS_RESTORED)
    superfluous: tuple[Instance, ...] = ()
    if pending is None:
        # Without an operation nothing is coming in, and nothing is there that something else takes the place of.
        runtimes = [home.roster.runtime(service.name) for service in services]
        superfluous = tuple(one for runtime in runtimes for one in runtime.instances if one.role is not Role.ACTIVE)
    if is_lost:
        for service in services:
            _record_loss(home, service, superfluous)
    return Adopted(tuple(service.name for service in services), adopted, superfluous)


def _with_first_deployments(services: tuple[ServiceRow, ...], begun: frozenset[str]) -> tuple[ServiceRow, ...]:
    """Return the services with those that the operation under way was about to bring in for the first time."""
    known = {service.name for service in services}
    return (*services, *(ServiceRow(name, None) for name in sorted(begun - known)))


def _record_loss(home: Household, service: ServiceRow, superfluous: tuple[Instance, ...]) -> None:
    """Tell of a service that is known again by its processes alone."""
    assert service.release is not None, "a process tells its release"
    leaving = [one.id.name for one in superfluous if one.id.service == service.name]
    detail = f"the agent's state was lost; release {service.release} serves, as its processes tell"
    if leaving:
        detail += f"; a rollout was under way, so {', '.join(f'`{name}`' for name in leaving)} is ended"
    acts = ("know-again", *(f"end {name}" for name in leaving))
    home.keeper.record(service.name, "state-lost", detail, release=service.release, acts=acts, seconds=0.0)


def _restore_service(home: Household, row: ServiceRow, *, is_coming: bool) -> None:
    runtime = home.roster.runtime(row.name)
    runtime.previous = row.previous
    runtime.good = row.good
    runtime.is_stopped = row.is_stopped
    runtime.restarts_before = row.restarts
    if row.release is not None:
        runtime.release = _read(home.releases, row.name, row.release)
        if row.moved_port is not None and runtime.release is not None:
            runtime.listens_on(row.moved_port, runtime.release.service.port)
    elif not is_coming:
        runtime.failure = "an earlier agent tried"


def _restore_instance(home: Household, row: InstanceRow, *, is_coming: bool) -> bool:
    """Adopt the process of an instance; False when it is gone. One that is only coming in is not supervised yet."""
    release = _read(home.releases, row.service, row.release)
    if release is None or row.identity is None or not is_running(row.identity):
        home.keeper.drop_instance(row.name)
        home.starter.gone(row.name)
        return False
    name = InstanceName(row.name, row.service, row.release, row.number)
    instance = home.roster.runtime(row.service).keep(name, release, row.role, row.batch)
    if is_coming:
        instance.policy = once_only(instance.policy)
    elif row.role is Role.ACTIVE:
        instance.supervise(instance.policy)
    instance.private_port = row.private_port
    instance.log_from = row.log_from
    age_s = running_for_s(row.identity)
    instance.started_at = None if age_s is None else home.now() - age_s
    home.secrets.learn(row.service, release.service.secrets, row.identity.pid)
    instance.urls = _urls_of(row.identity.pid, release)
    home.starter.adopted(instance, row.identity)
    instance.adopt(row.identity, is_ready=row.was_ready)
    return True


def _found_again(row: InstanceRow, processes: tuple[ProjectProcess, ...]) -> InstanceRow:
    """Return the row with the process that runs for it: the agent may have died before it wrote down which one."""
    if row.identity is not None and is_running(row.identity):
        return row
    first = [one.identity for one in processes if one.instance == row.name and one.identity.pid == one.session]
    if not first:
        return row
    latest = max(first, key=lambda identity: identity.start_ticks)
    return replace(row, identity=latest, private_port=None, was_ready=False)


def _urls_of(pid: int, release: Release) -> dict[str, str]:
    """Return the addresses of other services that a process was started with."""
    found: dict[str, str] = {}
    for name in release.service.depends_on:
        url = environment_value(pid, url_variable(name))
        if url is not None:
            found[name] = url
    return found


def _coming_through(home: Household, pending: Pending) -> dict[str, Release]:
    """Return the releases, by service, that the operation under way will have brought in for good."""
    forward = (Phase.RUNNING, Phase.DONE)
    works = (one.work for one in pending.rollouts if one.work.instances and resumed(one).phase in forward)
    found = ((work.service, _read(home.releases, work.service, work.release)) for work in works)
    return {name: release for name, release in found if release is not None}


def _restore_listener(home: Household, row: ServiceRow, coming: Release | None) -> None:
    """Take the listener of a service back: that of the release which is about to have come through, where one is."""
    runtime = home.roster.runtime(row.name)
    release = coming or runtime.release
    if release is None or (runtime.is_stopped and coming is None) or not shares_listener(release.service):
        return
    service = release.service
    assert service.port is not None, "what shares a listener has a port"
    is_same = runtime.release is None or runtime.release.service.port == service.port
    port = (row.moved_port if is_same else None) or service.port
    holders = [one.identity for one in runtime.instances if one.identity is not None]
    holders += home.proxy.identities()
    if home.listeners.take_back(row.name, service.host, port, holders):
        runtime.listens_on(port, service.port)
        return
    try:
        home.addresses.open_listener(release)
    except SophiaError as error:
        log.warning("no listener", extra={"service": row.name, "reason": error.message})
        home.keeper.event(row.name, "no-listener", error.message)


def _end_unknown(processes: Iterable[ProjectProcess]) -> None:
    """End processes of the project that no record knows: the agent died between starting and writing them down."""
    for process in processes:
        log.warning("unknown process ended", extra={"pid": process.identity.pid, "instance": process.instance})
        try:
            send_signal(process.identity, signal.SIGKILL)
        except PermissionError as error:
            log.warning("not ended", extra={"pid": process.identity.pid, "reason": str(error)})


def _read(releases: ReleaseStore, service: str, number: int) -> Release | None:
    try:
        return releases.read(service, number)
    except SophiaError as error:
        log.warning("release not read", extra={"service": service, "release": number, "reason": error.message})
        return None
