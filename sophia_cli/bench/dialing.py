"""Connections to a target, of the kind that it asks for."""

from __future__ import annotations

from sophia_cli.bench.connection import Connection, dial_of
from sophia_cli.bench.target import Address, Trust
from sophia_cli.checks.response import ResponseReader


def connections_to(address: Address, host: str, trust: Trust, method: str, count: int) -> list[Connection]:
    """Return that many connections, closed still, that will send requests of one method."""
    dial = dial_of(address)
    if trust is Trust.PLAIN:
        return [Connection(dial, ResponseReader(method)) for _ in range(count)]
    from sophia_cli.bench.tls import TlsConnection, tls_context

    context = tls_context(trust)
    return [TlsConnection(dial, ResponseReader(method), context, host) for _ in range(count)]
