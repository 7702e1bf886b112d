"""The configuration of HAProxy as text: a front and a group of servers for each strict service, nothing else.

Listening sockets are descriptors that the agent passes. So is the socket of the runtime API, which is the only thing
besides: no statistics page, no port of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sophia_cli.core.values import dataclass
from sophia_cli.deploy.strict.model import Front, Server, ServerState

BACKLOG = 2048
PUBLIC_SERVER = "public"
_NOWHERE = 1  # the port of a slot that was never used

_GLOBAL = """\
global
    stats socket fd@{control} level admin
    stats timeout 1m
    nbthread {threads}
    maxconn {connections}
    # A request that may be sent again is kept as a copy of a whole buffer, so larger ones cost every request.
    tune.bufsize 16384
    tune.http.maxhdr 256

defaults
    mode http
    timeout connect 5s
    # A stream may be silent for long. Who is really gone is found out by keep-alive probes of the kernel.
    timeout client 24h
    timeout server 24h
    timeout tunnel 24h
    timeout client-fin 30s
    timeout server-fin 30s
    timeout http-request 60s
    timeout http-keep-alive 75s
    timeout queue 60s
    option clitcpka
    option srvtcpka
    # A caller that goes away takes its request along, as without a proxy.
    option abortonclose
    option http-keep-alive
    # An idle connection of a caller is ended with an answer, not before one.
    option idle-close-on-response
    option forwardfor
    # A request takes any connection that is open: opened for one each, they would pile up in the instances. Spare ones
    # are closed before an instance closes them, since a request might be on its way then.
    http-reuse always
    default-server pool-purge-delay 250ms
    balance roundrobin
    retries 3
    option redispatch 1
    # A request that reached no server is sent again; one that a server left unanswered only when its method allows it.
    retry-on conn-failure empty-response 0rtt-rejected
"""

_FRONT = """
frontend {front}
    bind fd@{descriptor} backlog {backlog}
    default_backend {back}

backend {back}
    acl is_idempotent method GET HEAD OPTIONS TRACE PUT DELETE
    http-request disable-l7-retry unless is_idempotent
"""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one HAProxy may use."""

    connections: int
    threads: int = 1


def front_name(service: str) -> str:
    """Return how HAProxy calls the front of a service."""
    return f"front-{service}"


def back_name(service: str) -> str:
    """Return how HAProxy calls the servers of a service."""
    return f"back-{service}"


def service_of(back: str) -> str | None:
    """Return the service whose servers HAProxy calls so, None when it is nobody's."""
    return back.removeprefix("back-") if back.startswith("back-") else None


def slot_name(number: int) -> str:
    """Return how HAProxy calls the server in a slot."""
    return f"s{number + 1}"


def slot_number(name: str) -> int | None:
    """Return the slot that HAProxy calls so, None when it is none."""
    return int(name[1:]) - 1 if name[:1] == "s" and name[1:].isdigit() else None


def configuration(fronts: Sequence[Front], descriptors: Mapping[str, int], control: int, capacity: Capacity) -> str:
    """Return the text of a configuration; `descriptors` are the public listeners by service, `control` the API's."""
    text = _GLOBAL.format(control=control, connections=capacity.connections, threads=capacity.threads)
    for front in fronts:
        names = {"front": front_name(front.service), "back": back_name(front.service)}
        text += _FRONT.format(descriptor=descriptors[front.service], backlog=BACKLOG, **names)
        text += "".join(_server(number, slot) for number, slot in enumerate(front.slots))
        # Where callers are sent that still have a connection to this process once something else serves them.
        text += f"    server {PUBLIC_SERVER} {front.host}:{front.port} disabled\n"
    return text


def _server(number: int, slot: Server | None) -> str:
    if slot is None:
        return f"    server {slot_name(number)} 127.0.0.1:{_NOWHERE} disabled\n"
    # Only who serves is switched on: what was about to end has lost its connections with the process before.
    disabled = "" if slot.state is ServerState.READY else " disabled"
    return f"    server {slot_name(number)} 127.0.0.1:{slot.port} weight {slot.weight}{disabled}\n"
