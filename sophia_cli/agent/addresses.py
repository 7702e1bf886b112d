"""The public addresses of services: opened, moved where somebody else holds them, told to those that depend on them."""

from __future__ import annotations

from collections.abc import Mapping

from sophia_cli.agent.listening.listeners import Listeners
from sophia_cli.agent.roster import Roster
from sophia_cli.agent.state.keeper import Keeper
from sophia_cli.deploy.releases.model import Release
from sophia_cli.project.host.sockets import reachable_host
from sophia_cli.project.settings.service_model import Service


class Addresses:
    """Where the services of a project are reached."""

    def __init__(self, roster: Roster, listeners: Listeners, keeper: Keeper) -> None:
        self._roster = roster
        self._listeners = listeners
        self._keeper = keeper

    def open_listener(self, release: Release) -> None:
        """Open the public address of a release's service; PortInUse and PortRefused when that cannot be."""
        runtime = self._roster.runtime(release.name)
        wanted = release.service.port
        # Where it moved to counts as long as its settings name the port that was held.
        moved = self._listeners.open(release.service, runtime.moved_port if runtime.moved_from == wanted else None)
        runtime.listens_on(self._listeners.port(release.name), wanted)
        if moved is not None:
            detail = f"port {moved.wanted} is held by {moved.holder}; moved to {moved.port}"
            self._keeper.event(release.name, "port-moved", detail)
            acts = (f"move to {moved.port}",)
            self._keeper.record(release.name, "port-held", detail, release=release.number, acts=acts, seconds=0.0)

    def urls_of(self, service: Service) -> Mapping[str, str]:
        """Return the addresses of the services that a service depends on."""
        urls: dict[str, str] = {}
        for name in service.depends_on:
            runtime = self._roster.find(name)
            if runtime is not None and runtime.release is not None:
                port = self._listeners.port(name) or runtime.release.service.port
                if port is not None:
                    urls[name] = f"http://{_named(runtime.release.service.host)}:{port}"
        return urls

    def rewired(self) -> tuple[str, ...]:
        """Return the services that were started with an address which is no longer true, in their order."""
        found: list[str] = []
        for runtime in self._roster.ordered():
            if runtime.release is None or runtime.is_stopped:
                continue
            urls = self.urls_of(runtime.release.service)
            if any(one.urls is not None and one.urls != urls for one in runtime.active()):
                found.append(runtime.name)
        return tuple(found)


def _named(host: str) -> str:
    reachable = reachable_host(host)
    return f"[{reachable}]" if ":" in reachable else reachable
