"""The services of a project that the agent knows, by name, and the order in which they depend on one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sophia_cli.agent.instances.instance import Instance
from sophia_cli.agent.instances.runtime import ServiceRuntime
from sophia_cli.deploy.plan import levels_of
from sophia_cli.deploy.releases.model import Release
from sophia_cli.project.settings.service_model import Service


class Roster:
    """All services, each made by `make` when it is first asked for."""

    def __init__(self, make: Callable[[str], ServiceRuntime]) -> None:
        self._make = make
        self._known: dict[str, ServiceRuntime] = {}

    def __iter__(self) -> Iterator[ServiceRuntime]:
        """Yield all services, those that were known first before the others."""
        return iter(tuple(self._known.values()))

    def runtime(self, name: str) -> ServiceRuntime:
        """Return what the agent knows of a service, made on first use."""
        if name not in self._known:
            self._known[name] = self._make(name)
        return self._known[name]

    def find(self, name: str) -> ServiceRuntime | None:
        """Return what the agent knows of a service, None when that is nothing."""
        return self._known.get(name)

    def forget(self, name: str) -> None:
        """Forget a service of which nothing runs."""
        self._known.pop(name, None)

    def instances(self) -> tuple[Instance, ...]:
        """Return the instances of all services."""
        return tuple(instance for runtime in self for instance in runtime.instances)

    def releases(self) -> tuple[Release, ...]:
        """Return the releases that serve."""
        return tuple(runtime.release for runtime in self if runtime.release is not None)

    def ordered(self) -> tuple[ServiceRuntime, ...]:
        """Return all services, those that others depend on first."""
        levels = self.levels(())
        return tuple(sorted(self, key=lambda runtime: (levels.get(runtime.name, 0), runtime.name)))

    def levels(self, coming: Sequence[Release]) -> Mapping[str, int]:
        """Return the level of each service by what it depends on, with `coming` in place of what serves now."""
        services: dict[str, Service] = {release.name: release.service for release in (*self.releases(), *coming)}
        try:
            return levels_of(list(services.values()))
        except ValueError:
            # Releases of different times may wait for one another in a circle that no settings file ever had.
            return dict.fromkeys(services, 0)
