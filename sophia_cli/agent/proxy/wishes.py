"""What HAProxy is to do now: worked out from the instances of the strict services, whenever one of them changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from sophia_cli.agent.instances.instance import Instance, is_over, is_ready
from sophia_cli.core.service_status import Role
from sophia_cli.core.values import dataclass, field, replace
from sophia_cli.deploy.strict.model import USUAL_WEIGHT, Server, ServerState


class Share(Enum):
    """What a rollout has decided for an instance, beyond its role."""

    ADMITTED = "admitted"
    LEAVING = "leaving"  # it has requests, and gets no more
    IDLE = "idle"  # it has none: HAProxy closes the connections that it keeps for later


@dataclass(slots=True)
class Traffic:
    """Who gets requests and how many, as far as rollouts decide it: by the names of instances."""

    shares: dict[str, Share] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)

    def forget(self, instance: str) -> None:
        """Forget one that is gone."""
        self.shares.pop(instance, None)
        self.weights.pop(instance, None)


@dataclass(frozen=True, slots=True)
class FrontWish:
    """The servers that a service is to have; `is_open` says whether callers are to be let in at all.

    `release` is the one that serves, 0 before the first.
    """

    service: str
    host: str
    port: int
    servers: tuple[Server, ...]
    is_open: bool
    release: int = 0


def servers_for(instances: Sequence[Instance], traffic: Traffic, known: frozenset[int]) -> tuple[Server, ...]:
    """Return the servers that strict instances are to be; `known` are the ports that are behind the front already.

    An instance that is not ready keeps its place where it is the only one: its callers wait in the queue of its
    listener, which the agent keeps. Beside ready ones it gets nothing more.
    """
    found = [(one, server) for one, server in _servers(instances, traffic, known)]
    has_ready = any(is_ready(one.state) and server.state is ServerState.READY for one, server in found)
    return tuple(
        replace(server, state=ServerState.DRAIN)
        if has_ready and server.state is ServerState.READY and not is_ready(one.state)
        else server
        for one, server in found
    )


def _servers(
    instances: Sequence[Instance], traffic: Traffic, known: frozenset[int]
) -> Iterator[tuple[Instance, Server]]:
    for one in instances:
        port = one.private_port
        share = traffic.shares.get(one.id.name)
        if port is None or share is Share.IDLE or is_over(one.state):
            continue
        weight = traffic.weights.get(one.id.name, USUAL_WEIGHT)
        if share is Share.LEAVING or one.role is Role.DRAINING:
            if port in known:
                yield one, Server(port, ServerState.DRAIN, weight)
        elif share is Share.ADMITTED or (one.role is Role.ACTIVE and (is_ready(one.state) or port in known)):
            yield one, Server(port, ServerState.READY, weight)
