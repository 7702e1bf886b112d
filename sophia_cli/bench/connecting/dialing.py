"""Connections to a target, of the kind that it and the request ask for."""

from __future__ import annotations

from collections.abc import Callable

from sophia_cli.bench.connecting.connection import Connection, dial_of
from sophia_cli.bench.connecting.target import Address, Request, Trust
from sophia_cli.checks.response import ResponseReader

# Answers to calls are kept to be looked at, one for each connection.
_LARGEST_REPLY = 4 * 2**20


def connections_to(
    address: Address, host: str, trust: Trust, request: Request, count: int, first: int = 0
) -> list[Connection]:
    """Return that many connections, closed still, that will send a request, numbered from `first` on."""
    connect = _connector(address, host, trust)
    number_at = request.number_at
    if number_at is None:
        return [connect(ResponseReader(request.method), request.data) for _ in range(count)]
    from sophia_cli.bench.mcp.call import FIRST_ID, CallExaminer
    from sophia_cli.checks.answer import AnswerReader

    made: list[Connection] = []
    for number in range(FIRST_ID + first, FIRST_ID + first + count):
        reader, digits = AnswerReader(request.method, _LARGEST_REPLY), b"%d" % number
        data = request.data[:number_at] + digits + request.data[number_at + len(digits) :]
        connection = connect(reader, data)
        connection.examine = CallExaminer(reader, number)
        made.append(connection)
    return made


def _connector(address: Address, host: str, trust: Trust) -> Callable[[ResponseReader, bytes], Connection]:
    dial = dial_of(address)
    if trust is Trust.PLAIN:
        return lambda reader, data: Connection(dial, reader, data)
    from sophia_cli.bench.connecting.tls import TlsConnection, tls_context

    context = tls_context(trust)
    return lambda reader, data: TlsConnection(dial, reader, data, context, host)
