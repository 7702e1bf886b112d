"""Which fronts HAProxy is to have: worked out from the instances of each strict service and from its listener."""

from __future__ import annotations

from sophia_cli.agent.instances.runtime import ServiceRuntime
from sophia_cli.agent.instances.starter import ProjectStarter
from sophia_cli.agent.listening.listeners import Listeners
from sophia_cli.agent.proxy.proxy import Proxy
from sophia_cli.agent.proxy.wishes import FrontWish, Traffic, servers_for
from sophia_cli.core.service_status import Role
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.strict.model import ServerState


@dataclass(frozen=True, slots=True)
class Fronts:
    """Works out the wishes of single services."""

    starter: ProjectStarter
    listeners: Listeners
    traffic: Traffic

    def wish_of(self, runtime: ServiceRuntime, proxy: Proxy) -> FrontWish | None:
        """Return what HAProxy is to serve for a service, None where no instance of it is strict."""
        strict = [one for one in runtime.instances if self.starter.is_strict(one)]
        port = self.listeners.port(runtime.name)
        if port is None or not strict:
            return None
        servers = servers_for(strict, self.traffic, proxy.ports(runtime.name))
        # Without a server callers are told so, as long as nobody else accepts them.
        alone = all(one in strict or one.role is not Role.ACTIVE for one in runtime.instances)
        serves = any(server.state is ServerState.READY for server in servers)
        host = self.starter.public_endpoint(self.starter.release_of(strict[0]).service).host
        is_open = serves or (alone and not runtime.is_stopped and proxy.has_front(runtime.name))
        ready = {server.port for server in servers if server.state is ServerState.READY}
        front_port = proxy.front_port(runtime.name)
        if front_port in {self.starter.release_of(one).service.port for one in strict if one.private_port in ready}:
            # The listener is that of a release which has not come through: while the one before serves, both do here.
            port = front_port or port
        number = 0 if runtime.release is None else runtime.release.number
        return FrontWish(runtime.name, host, port, servers, is_open, number)
