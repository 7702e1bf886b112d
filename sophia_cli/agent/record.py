"""What instances tell: written down, passed on to those that depend on them, healed where that is possible."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sophia_cli.agent.dependents import Dependents
from sophia_cli.agent.healing import Healer
from sophia_cli.agent.instances.instance import Instance
from sophia_cli.agent.instances.service_logs import ServiceLogs
from sophia_cli.agent.instances.starter import ProjectStarter
from sophia_cli.agent.roster import Roster
from sophia_cli.agent.state.keeper import Keeper
from sophia_cli.agent.tasks import Tasks
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.supervisor_events import ActOnIncident, CloseIncident, OpenIncident
from sophia_cli.deploy.supervisor_model import Recovery

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """Whom a record tells of what instances say."""

    roster: Roster
    keeper: Keeper
    starter: ProjectStarter
    logs: ServiceLogs
    healer: Healer
    dependents: Dependents
    proxy_changed: Callable[[], None]


class ServiceRecord:
    """The record of all instances of services: see `instance.Record`. `gave_up` is told of what supervision gave up."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tasks: Tasks, told: Told) -> None:
        self.gave_up: Callable[[Instance], None] | None = None
        self._loop = loop
        self._tasks = tasks
        self._told = told

    def instance_changed(self, instance: Instance) -> None:
        """Write an instance down, and tell those that depend on its service when it came or went."""
        told = self._told
        told.keeper.save_instance(instance)
        if told.starter.is_strict(instance):
            told.proxy_changed()
        self._loop.call_soon(told.dependents.tell, instance.id.service)

    def incident(self, instance: Instance, action: OpenIncident | ActOnIncident | CloseIncident) -> None:
        """Write an incident down. Failures of what is only coming in are told by its rollout."""
        if not instance.is_supervised:
            return
        told = self._told
        runtime = told.roster.runtime(instance.id.service)
        match action:
            case OpenIncident():
                runtime.open_incidents += 1
                told.keeper.incident_opened(instance, action)
            case ActOnIncident():
                told.keeper.incident_acted(instance, action)
                if instance.last_exit is not None and instance.last_exit.code:
                    lines = told.logs.lines_of(instance)
                    told.healer.look_for_package(instance, told.starter.release_of, lines, self._tasks)
                if action.recovery is Recovery.GIVE_UP and self.gave_up is not None:
                    self._loop.call_soon(self.gave_up, instance)
            case CloseIncident():
                runtime.open_incidents = max(0, runtime.open_incidents - 1)
                told.keeper.incident_closed(instance, action)
                told.keeper.save_service(runtime)
        log.info("incident", extra={"instance": instance.id.name, "what": action})
