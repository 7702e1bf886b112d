"""All services of a project as the agent runs them: put together, taken over, looked after, let go.

What it consists of stands beside it: who there is (`roster`), where they are reached (`addresses`), who waits for whom
(`dependents`), what instances tell (`record`), what operations tell (`operations/ledger`), HAProxy's part (`proxy/`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sophia_cli.agent.addresses import Addresses
from sophia_cli.agent.adoption import Adopted, adopt_services
from sophia_cli.agent.dependents import Dependents
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
from sophia_cli.agent.operations.ledger import ProjectLedger
from sophia_cli.agent.proxy.doors import StrictDoors
from sophia_cli.agent.proxy.fronts import Fronts
from sophia_cli.agent.proxy.process import LARGEST_PROXY_LOG, PROXY_LOG, ProxyPlace, ProxyRecord
from sophia_cli.agent.proxy.proxy import Proxy
from sophia_cli.agent.proxy.wishes import FrontWish, Traffic
from sophia_cli.agent.reaper import Reaper
from sophia_cli.agent.record import ServiceRecord, Told
from sophia_cli.agent.roster import Roster
from sophia_cli.agent.state.keeper import Keeper, Pending
from sophia_cli.agent.tasks import Tasks
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.service_status import Health, ServiceState, ServiceStatus
from sophia_cli.core.values import replace
from sophia_cli.deploy.releases.store import ReleaseStore
from sophia_cli.deploy.supervisor_events import MemoryExceeded, StopRequested
from sophia_cli.project.host.processes import tree_memory
from sophia_cli.project.state_folder import StateFolder

log = logging.getLogger(__name__)
RUN_FOLDER = "run"
# Memory and logs are looked at every two seconds, the copy of one release after the other every two minutes.
_COPY_LOOKS = 60


class Crew:
    """The services of one project."""

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
        self._loop = loop
        self._tasks = Tasks(loop)
        self._looks = 0
        run_folder = state.path / RUN_FOLDER
        self.reaper = Reaper(loop)
        self.releases = ReleaseStore(state)
        self.logs = ServiceLogs(state)
        self.secrets = SecretValues(state)
        self.healer = Healer(self.releases, keeper, state.path / "logs")
        self.listeners = Listeners(None if machine.hands_listeners_over else Holding(run_folder, self.reaper))
        self.roster = Roster(lambda name: ServiceRuntime(name, self._around))
        self.addresses = Addresses(self.roster, self.listeners, keeper)
        self._dependents = Dependents(self.roster)
        wiring = Wiring(
            self.secrets.of,
            self.addresses.urls_of,
            self.addresses.open_listener,
            self.healer.look_at_copy,
            InstanceGroups(machine.trees, machine.missing),
            machine.open_files,
        )
        self.starter = ProjectStarter(state.root, run_folder, self.releases, self.listeners, self.logs, wiring)
        told = Told(
            self.roster,
            keeper,
            self.starter,
            self.logs,
            self.healer,
            self._dependents,
            proxy_changed=lambda: self.proxy.changed(),
        )
        self.record = ServiceRecord(loop, self._tasks, told)
        self._around = Surroundings(loop, self.reaper, self.starter, self.record, jitter, self._dependents.down_for)
        traffic = Traffic()
        self._fronts = Fronts(self.starter, self.listeners, traffic)
        proxy_log = LogFile(state.path / "logs" / PROXY_LOG, LARGEST_PROXY_LOG, keep=1)
        place = ProxyPlace(run_folder, proxy_log, self.listeners, ProxyRecord(keeper))
        self.proxy = Proxy(place, self._around, self._front_wishes, keeper)
        self.doors = ProjectDoors(self.starter, self.releases, StrictDoors(self.starter, self.proxy, traffic))
        self.ledger = ProjectLedger(self.roster, keeper, self.listeners, self.proxy, self.logs, self._dependents)

    def start(self) -> None:
        """Begin to wait for children."""
        for folder in (RUN_FOLDER, "logs"):
            (self.state.path / folder).mkdir(mode=0o700, exist_ok=True)
        self.reaper.start()

    def adopt(self) -> Pending | None:
        """Take over what an earlier agent left: services, processes, listeners. Returns the operation it was in."""
        adopted: Adopted = adopt_services(self)
        for name in adopted.services:
            self._dependents.tell(name)
        for instance in adopted.superfluous:
            self._tasks.begin(self._dismiss(instance))
        return self.keeper.pending()

    async def _dismiss(self, instance: Instance) -> None:
        """End an instance that nobody needs, once those that stay take its callers."""
        runtime = self.roster.runtime(instance.id.service)
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
        for runtime in self.roster.ordered():
            if runtime.release is None or runtime.is_stopped or runtime.is_rolling:
                continue
            runtime.start_missing("start")

    def leave(self) -> None:
        """Let go of everything; services go on."""
        for instance in self.roster.instances():
            instance.forget()
        self._tasks.cancel()
        self.proxy.leave()
        self.reaper.stop()
        self.listeners.close_all()

    def forget(self, name: str) -> None:
        """Forget a service of which nothing runs."""
        self.roster.forget(name)
        self._dependents.forget(name)
        self.keeper.drop_service(name)

    def now(self) -> float:
        """Return the time of the agent's clock."""
        return self._loop.time()

    def statuses(self) -> tuple[ServiceStatus, ...]:
        """Return how all services are, in the order in which they depend on one another."""
        return tuple(self._status(runtime) for runtime in self.roster.ordered())

    def _status(self, runtime: ServiceRuntime) -> ServiceStatus:
        own = None if runtime.release is None else runtime.release.service.port
        status = runtime.status(self.listeners.port(runtime.name) or own, self._loop.time())
        trouble = self.proxy.trouble(runtime.name)
        if trouble is None:
            return status
        reason = f"HAProxy does not let its callers in: {trouble}"
        return replace(status, state=ServiceState.DEGRADED, health=Health.UNHEALTHY, reason=reason)

    def look_around(self) -> None:
        """Look at memory limits and copies, and write what is not written yet."""
        self.keeper.flush()
        instances = self.roster.instances()
        for instance in instances:
            self._look_at_memory(instance)
        self.starter.keep_privates(one.id.name for one in instances)
        releases = self.roster.releases()
        self._looks += 1
        if releases and self._looks % _COPY_LOOKS == 0:
            # One at a time: comparing a copy takes some milliseconds, and an idle agent is to be idle.
            self.healer.look_at_copy(releases[self._looks // _COPY_LOOKS % len(releases)])

    def _look_at_memory(self, instance: Instance) -> None:
        if instance.identity is None:
            return
        limit = self.starter.release_of(instance).service.limits.memory_bytes
        if limit is None:
            return
        used = tree_memory(instance.identity, limit)
        if used > limit:
            instance.send(MemoryExceeded(instance.state.generation, used, limit))

    def rotate_logs(self) -> bool:
        """Rotate the logs that have become too large; whether there was one, so that more is to be expected."""
        return self.logs.rotate([release.service for release in self.roster.releases()])

    def _front_wishes(self) -> tuple[FrontWish, ...]:
        """Return what HAProxy is to serve now: see `proxy.Proxy`."""
        wishes = (self._fronts.wish_of(runtime, self.proxy) for runtime in self.roster)
        return tuple(wish for wish in wishes if wish is not None)
