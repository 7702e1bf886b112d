"""All services of a project as the agent runs them: taken over, kept, watched, told about one another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from sophia_cli.agent.adoption import Adopted, adopt_services
from sophia_cli.agent.healing import Healer
from sophia_cli.agent.instances.groups import InstanceGroups
from sophia_cli.agent.instances.instance import Instance, Surroundings, is_over
from sophia_cli.agent.instances.log_files import LogFile
from sophia_cli.agent.instances.runtime import ServiceRuntime
from sophia_cli.agent.instances.secret_values import SecretValues
from sophia_cli.agent.instances.service_logs import ServiceLogs
from sophia_cli.agent.instances.starter import ProjectStarter, Wiring
from sophia_cli.agent.listening.holding import Holding
from sophia_cli.agent.listening.listeners import Listeners
from sophia_cli.agent.machine import Machine
from sophia_cli.agent.operations.doors import ProjectDoors
from sophia_cli.agent.operations.operation import Incoming
from sophia_cli.agent.proxy.doors import StrictDoors
from sophia_cli.agent.proxy.process import LARGEST_PROXY_LOG, PROXY_LOG, ProxyPlace, ProxyRecord
from sophia_cli.agent.proxy.proxy import Proxy
from sophia_cli.agent.proxy.wishes import FrontWish, Traffic, servers_for
from sophia_cli.agent.reaper import Reaper
from sophia_cli.agent.state.keeper import Keeper, Pending
from sophia_cli.agent.tasks import Tasks
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.service_status import Health, Role, ServiceState, ServiceStatus
from sophia_cli.core.values import replace
from sophia_cli.deploy.plan import levels_of
from sophia_cli.deploy.releases.model import Release
from sophia_cli.deploy.releases.store import ReleaseStore
from sophia_cli.deploy.rollout import Rollout
from sophia_cli.deploy.strict.model import ServerState
from sophia_cli.deploy.supervisor_events import (
    ActOnIncident,
    CloseIncident,
    DependencyDown,
    DependencyUp,
    MemoryExceeded,
    OpenIncident,
    StopRequested,
)
from sophia_cli.deploy.supervisor_model import Recovery
from sophia_cli.project.host.processes import tree_memory
from sophia_cli.project.host.sockets import reachable_host
from sophia_cli.project.settings.service_model import Service
from sophia_cli.project.state_folder import StateFolder

log = logging.getLogger(__name__)
RUN_FOLDER = "run"
_LOG_LINES = 20
# Memory and logs are looked at every two seconds, the copy of one release after the other every two minutes.
_COPY_LOOKS = 60


class Crew:
    """The services of one project. `gave_up` is told of an instance that supervision has given up."""

    def __init__(
        self,
        state: StateFolder,
        keeper: Keeper,
        loop: asyncio.AbstractEventLoop,
        jitter: Callable[[], float],
        machine: Machine,
    ) -> None:
        self.state = state
        self.keeper = keeper
        self.releases = ReleaseStore(state)
        self.logs = ServiceLogs(state)
        self.secrets = SecretValues(state)
        self.gave_up: Callable[[Instance], None] | None = None
        self.runtimes: dict[str, ServiceRuntime] = {}
        self._loop = loop
        self.reaper = Reaper(loop)
        run_folder = state.path / RUN_FOLDER
        self.listeners = Listeners(None if machine.hands_listeners_over else Holding(run_folder, self.reaper))
        self.healer = Healer(self.releases, keeper, state.path / "logs")
        wiring = Wiring(
            self.secrets.of,
            self.urls_of,
            self.open_listener,
            self.healer.look_at_copy,
            InstanceGroups(machine.trees, machine.missing),
            machine.open_files,
        )
        self.starter = ProjectStarter(state.root, run_folder, self.releases, self.listeners, self.logs, wiring)
        self._around = Surroundings(loop, self.reaper, self.starter, self, jitter, self.dependencies_down)
        self._traffic = Traffic()
        proxy_log = LogFile(state.path / "logs" / PROXY_LOG, LARGEST_PROXY_LOG, keep=1)
        place = ProxyPlace(run_folder, proxy_log, self.listeners, ProxyRecord(keeper))
        self.proxy = Proxy(place, self._around, self._front_wishes, keeper)
        self.doors = ProjectDoors(self.starter, self.releases, StrictDoors(self.starter, self.proxy, self._traffic))
        self._up: dict[str, bool] = {}
        self._tasks = Tasks(loop)
        self._looks = 0

    def start(self) -> None:
        """Begin to wait for children."""
        for folder in (RUN_FOLDER, "logs"):
            (self.state.path / folder).mkdir(mode=0o700, exist_ok=True)
        self.reaper.start()

    def adopt(self) -> Pending | None:
        """Take over what an earlier agent left: services, processes, listeners. Returns the operation it was in."""
        adopted: Adopted = adopt_services(self)
        for name in adopted.services:
            self._tell_dependents(name)
        for instance in adopted.superfluous:
            self._tasks.begin(self._dismiss(instance))
        return self.keeper.pending()

    async def _dismiss(self, instance: Instance) -> None:
        """End an instance that nobody needs, once those that stay take its callers."""
        runtime = self.runtime(instance.id.service)
        await self.doors.readmit(runtime.active())
        try:
            await self.doors.depart(instance)
        except SophiaError as error:
            # HAProxy is not there to be asked; its next process knows nothing of this instance.
            log.warning("not taken out", extra={"instance": instance.id.name, "reason": error.message})
        instance.send(StopRequested())
        await instance.until(is_over)
        runtime.remove(instance)
        await self.doors.departed(instance)

    def start_missing(self) -> None:
        """Start what should serve and does not run; what depends on others waits for them by itself."""
        for name in self.ordered():
            runtime = self.runtimes[name]
            if runtime.release is None or runtime.is_stopped or runtime.is_rolling:
                continue
            runtime.start_missing("start")

    def leave(self) -> None:
        """Let go of everything; services go on."""
        for runtime in self.runtimes.values():
            for instance in runtime.instances:
                instance.forget()
        self._tasks.cancel()
        self.proxy.leave()
        self.reaper.stop()
        self.listeners.close_all()

    def runtime(self, name: str) -> ServiceRuntime:
        """Return what the agent knows of a service, made on first use."""
        if name not in self.runtimes:
            self.runtimes[name] = ServiceRuntime(name, self._around)
        return self.runtimes[name]

    def forget(self, name: str) -> None:
        """Forget a service of which nothing runs."""
        self.runtimes.pop(name, None)
        self._up.pop(name, None)
        self.keeper.drop_service(name)

    def now(self) -> float:
        """Return the time of the agent's clock."""
        return self._loop.time()

    def ordered(self) -> tuple[str, ...]:
        """Return the names of all deployed services, those that others depend on first."""
        levels = self.levels(())
        return tuple(sorted(self.runtimes, key=lambda name: (levels.get(name, 0), name)))

    def levels(self, coming: Sequence[Release]) -> Mapping[str, int]:
        """Return the level of each service by what it depends on, with `coming` in place of what serves now."""
        services: dict[str, Service] = {
            name: runtime.release.service for name, runtime in self.runtimes.items() if runtime.release is not None
        }
        services.update({release.name: release.service for release in coming})
        try:
            return levels_of(list(services.values()))
        except ValueError:
            # Releases of different times may wait for one another in a circle that no settings file ever had.
            return dict.fromkeys(services, 0)

    def statuses(self) -> tuple[ServiceStatus, ...]:
        """Return how all services are, in the order in which they depend on one another."""
        now = self._loop.time()
        found: list[ServiceStatus] = []
        for name in self.ordered():
            runtime = self.runtimes[name]
            own = None if runtime.release is None else runtime.release.service.port
            status = runtime.status(self.listeners.port(name) or own, now)
            trouble = self.proxy.trouble(name)
            if trouble is not None:
                reason = f"HAProxy does not let its callers in: {trouble}"
                status = replace(status, state=ServiceState.DEGRADED, health=Health.UNHEALTHY, reason=reason)
            found.append(status)
        return tuple(found)

    def open_listener(self, release: Release) -> None:
        """Open the public address of a release's service; PortInUse and PortRefused when that cannot be."""
        runtime = self.runtime(release.name)
        wanted = release.service.port
        # Where it moved to counts as long as its settings name the port that was held.
        moved = self.listeners.open(release.service, runtime.moved_port if runtime.moved_from == wanted else None)
        runtime.listens_on(self.listeners.port(release.name), wanted)
        if moved is not None:
            detail = f"port {moved.wanted} is held by {moved.holder}; moved to {moved.port}"
            self.keeper.event(release.name, "port-moved", detail)
            acts = (f"move to {moved.port}",)
            self.keeper.record(release.name, "port-held", detail, release=release.number, acts=acts, seconds=0.0)

    def look_around(self) -> None:
        """Look at memory limits and copies, and write what is not written yet."""
        self.keeper.flush()
        for runtime in self.runtimes.values():
            for instance in runtime.instances:
                self._look_at_memory(instance)
        self.starter.keep_privates(one.id.name for runtime in self.runtimes.values() for one in runtime.instances)
        releases = [runtime.release for runtime in self.runtimes.values() if runtime.release is not None]
        self._looks += 1
        if releases and self._looks % _COPY_LOOKS == 0:
            # One at a time: comparing a copy takes some milliseconds, and an idle agent is to be idle.
            self.healer.look_at_copy(releases[self._looks // _COPY_LOOKS % len(releases)])

    def rotate_logs(self) -> bool:
        """Rotate the logs that have become too large; whether there was one, so that more is to be expected."""
        releases = [runtime.release for runtime in self.runtimes.values() if runtime.release is not None]
        return self.logs.rotate([release.service for release in releases])

    def left_behind(self, name: str) -> None:
        """Have nothing return to the release that a person has just taken back."""
        runtime = self.runtime(name)
        if runtime.release is not None and runtime.previous is not None:
            runtime.good = tuple(number for number in runtime.good if number <= runtime.release.number)
            self.keeper.save_service(runtime)

    def rewired(self) -> tuple[str, ...]:
        """Return the services that were started with an address which is no longer true, in their order."""
        found: list[str] = []
        for name in self.ordered():
            runtime = self.runtimes[name]
            if runtime.release is None or runtime.is_stopped:
                continue
            urls = self.urls_of(runtime.release.service)
            if any(one.urls is not None and one.urls != urls for one in runtime.active()):
                found.append(name)
        return tuple(found)

    def _look_at_memory(self, instance: Instance) -> None:
        if instance.identity is None:
            return
        limit = self.starter.release_of(instance).service.limits.memory_bytes
        if limit is None:
            return
        used = tree_memory(instance.identity, limit)
        if used > limit:
            instance.send(MemoryExceeded(instance.state.generation, used, limit))

    # What instances tell: see `instance.Record`.

    def instance_changed(self, instance: Instance) -> None:
        """Write an instance down, and tell those that depend on its service when it came or went."""
        self.keeper.save_instance(instance)
        if self.starter.is_strict(instance):
            self.proxy.changed()
        self._loop.call_soon(self._tell_dependents, instance.id.service)

    def incident(self, instance: Instance, action: OpenIncident | ActOnIncident | CloseIncident) -> None:
        """Write an incident down. Failures of what is only coming in are told by its rollout."""
        if not instance.is_supervised:
            return
        runtime = self.runtime(instance.id.service)
        match action:
            case OpenIncident():
                runtime.open_incidents += 1
                self.keeper.incident_opened(instance, action)
            case ActOnIncident():
                self.keeper.incident_acted(instance, action)
                if instance.last_exit is not None and instance.last_exit.code:
                    release_of, lines = self.starter.release_of, self.log_lines(instance)
                    self.healer.look_for_package(instance, release_of, lines, self._tasks)
                if action.recovery is Recovery.GIVE_UP and self.gave_up is not None:
                    self._loop.call_soon(self.gave_up, instance)
            case CloseIncident():
                runtime.open_incidents = max(0, runtime.open_incidents - 1)
                self.keeper.incident_closed(instance, action)
                self.keeper.save_service(runtime)
        log.info("incident", extra={"instance": instance.id.name, "what": action})

    def _tell_dependents(self, name: str) -> None:
        runtime = self.runtimes.get(name)
        if runtime is None or runtime.release is None or (runtime.is_stopped and not runtime.is_rolling):
            return
        is_up = runtime.is_up()
        if self._up.get(name) is is_up:
            return
        self._up[name] = is_up
        for other in self.runtimes.values():
            if other.release is not None and name in other.release.service.depends_on:
                for instance in other.instances:
                    instance.send(DependencyUp(name) if is_up else DependencyDown(name))

    def dependencies_down(self, service: Service) -> tuple[str, ...]:
        """Return the services that a service depends on and that are known not to be ready."""
        return tuple(name for name in service.depends_on if self._up.get(name) is False)

    # What operations tell: see `operation.Ledger`.

    def write(self, run_id: str, rollouts: Sequence[Rollout]) -> None:
        """Bring the state of an operation to the disk."""
        self.keeper.save_rollouts(run_id, rollouts)

    def finished(self, run_id: str) -> None:
        """Forget an operation that is over."""
        self.keeper.operation_over(run_id)

    def came_through(self, incoming: Incoming) -> None:
        """The new release serves now, or the service was stopped as somebody wanted."""
        runtime = self.runtime(incoming.work.service)
        self.proxy.changed()
        if incoming.keeps_stopped:
            runtime.is_stopped = True
            self.listeners.close(runtime.name)
            self.keeper.event(runtime.name, "stopped", f"release {incoming.release.number}")
        else:
            runtime.settle(incoming.release)
            self.listeners.settle(runtime.name, incoming.release.service.port)
            self.keeper.event(runtime.name, "released", f"release {incoming.release.number} serves")
        self.keeper.save_service(runtime)
        self._tell_dependents(runtime.name)

    def taken_back(self, incoming: Incoming, cause: str | None) -> None:
        """What served before serves again; without it nobody is to wait for an answer."""
        runtime = self.runtime(incoming.work.service)
        if incoming.previous is None:
            self.listeners.close(runtime.name)
            runtime.failure = cause
        else:
            own = incoming.previous.service.port
            self.listeners.settle(runtime.name, own, is_back=True)
            runtime.listens_on(self.listeners.port(runtime.name), own)
        self.proxy.changed()
        self.keeper.event(runtime.name, "taken-back", f"release {incoming.release.number} did not come through")
        if runtime.release is None and cause is None:
            # It is as if nobody had tried.
            self.keeper.drop_service(runtime.name)
        else:
            self.keeper.save_service(runtime)

    def log_lines(self, instance: Instance) -> tuple[str, ...]:
        """Return the last lines that an instance wrote, none where it never came to run."""
        if instance.started_at is None:
            return ()
        return self.logs.last_lines(instance.id.service, instance.log_from, _LOG_LINES)

    def urls_of(self, service: Service) -> Mapping[str, str]:
        """Return the addresses of the services that a service depends on."""
        urls: dict[str, str] = {}
        for name in service.depends_on:
            runtime = self.runtimes.get(name)
            if runtime is not None and runtime.release is not None:
                port = self.listeners.port(name) or runtime.release.service.port
                if port is not None:
                    urls[name] = f"http://{_named(runtime.release.service.host)}:{port}"
        return urls

    def _front_wishes(self) -> tuple[FrontWish, ...]:
        """Return what HAProxy is to serve now: see `proxy.Proxy`."""
        wishes = (self._front_wish(runtime) for runtime in self.runtimes.values())
        return tuple(wish for wish in wishes if wish is not None)

    def _front_wish(self, runtime: ServiceRuntime) -> FrontWish | None:
        strict = [one for one in runtime.instances if self.starter.is_strict(one)]
        port = self.listeners.port(runtime.name)
        if port is None or not strict:
            return None
        servers = servers_for(strict, self._traffic, self.proxy.ports(runtime.name))
        # Without a server callers are told so, as long as nobody else accepts them.
        alone = all(one in strict or one.role is not Role.ACTIVE for one in runtime.instances)
        serves = any(server.state is ServerState.READY for server in servers)
        host = self.starter.public_endpoint(self.starter.release_of(strict[0]).service).host
        is_open = serves or (alone and not runtime.is_stopped and self.proxy.has_front(runtime.name))
        ready = {server.port for server in servers if server.state is ServerState.READY}
        front_port = self.proxy.front_port(runtime.name)
        if front_port in {self.starter.release_of(one).service.port for one in strict if one.private_port in ready}:
            # The listener is that of a release which has not come through: while the one before serves, both do here.
            port = front_port or port
        number = 0 if runtime.release is None else runtime.release.number
        return FrontWish(runtime.name, host, port, servers, is_open, number)


def _named(host: str) -> str:
    reachable = reachable_host(host)
    return f"[{reachable}]" if ":" in reachable else reachable
