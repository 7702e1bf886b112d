"""Who depends on whom as it happens: instances are told when a service that they wait for comes or goes."""

from __future__ import annotations

from sophia_cli.agent.roster import Roster
from sophia_cli.deploy.supervisor_events import DependencyDown, DependencyUp
from sophia_cli.project.settings.service_model import Service


class Dependents:
    """Which services were up when those that depend on them were told last."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._up: dict[str, bool] = {}

    def tell(self, name: str) -> None:
        """Tell all instances that depend on a service when it is up or down, and was not before."""
        runtime = self._roster.find(name)
        if runtime is None or runtime.release is None or (runtime.is_stopped and not runtime.is_rolling):
            return
        is_up = runtime.is_up()
        if self._up.get(name) is is_up:
            return
        self._up[name] = is_up
        for other in self._roster:
            if other.release is not None and name in other.release.service.depends_on:
                for instance in other.instances:
                    instance.send(DependencyUp(name) if is_up else DependencyDown(name))

    def forget(self, name: str) -> None:
        """Forget a service."""
        self._up.pop(name, None)

    def down_for(self, service: Service) -> tuple[str, ...]:
        """Return the services that a service depends on and that are known not to be ready."""
        return tuple(name for name in service.depends_on if self._up.get(name) is False)
