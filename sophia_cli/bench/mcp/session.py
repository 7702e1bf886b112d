"""A session with an MCP server over streamable HTTP: begun before a load, ended after it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from sophia_cli.bench.connecting.dialing import connections_to
from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.connecting.exchange import ExchangeFailed, exchange
from sophia_cli.bench.connecting.preflight import unusable
from sophia_cli.bench.connecting.target import Request, RequestSpec, Target, ToolCall, Trust, request_of
from sophia_cli.bench.mcp.call import FIRST_ID, Reply, field_of, reply_in
from sophia_cli.checks.answer import AnswerReader
from sophia_cli.checks.mcp_messages import (
    CONTENT_FIELDS,
    INITIALIZED,
    PROTOCOL_VERSION,
    SESSION_FIELD,
    Json,
    call_message,
    introduction,
    notification,
    session_fields,
)
from sophia_cli.core.errors import UnavailableError, UsageError
from sophia_cli.core.values import dataclass, replace

_MOST_PAGES = 100


@dataclass(frozen=True, slots=True)
class McpSession:
    """A server that takes calls: its target, and the header fields that belong to every message from here on."""

    target: Target
    trust: Trust
    headers: tuple[tuple[str, str], ...]
    timeout_s: float

    def call(self, wanted: ToolCall) -> Request:
        """Return the call of a tool as a request."""
        arguments = json.loads(wanted.arguments)
        body = call_message("tools/call", {"name": wanted.tool, "arguments": arguments}, FIRST_ID)
        request = request_of(self.target, RequestSpec("POST", self.headers, body))
        number_at = len(request.data) - len(body) + body.index(b"%d" % FIRST_ID)
        return replace(request, number_at=number_at)

    def tool(self, name: str) -> Json:
        """Return what the server says about a tool; UsageError (`tool-unknown`) when it has none of that name."""
        known: list[str] = []
        cursor: object = None
        for _ in range(_MOST_PAGES):
            page = self.ask("tools/list", {} if cursor is None else {"cursor": cursor})
            tools = page.get("tools")
            for tool in tools if isinstance(tools, list) else []:
                if isinstance(tool, dict) and tool.get("name") == name:
                    return tool
                known += [str(tool.get("name"))] if isinstance(tool, dict) else []
            cursor = page.get("nextCursor")
            if cursor is None:
                break
        raise UsageError(
            "tool-unknown",
            f"the MCP server at `{self.target.url}` has no tool `{name}`",
            hint=f"it has: {', '.join(known)}" if known else "it has no tools",
        )

    def ask(self, method: str, params: Json) -> Json:
        """Send a message and return its result; UnavailableError (`mcp-unusable`, `target-unusable`) without one."""
        reader = self._post(call_message(method, params, FIRST_ID))
        reply = reply_in(reader, FIRST_ID)
        if reply is None or reply.result is None:
            raise self._refused(method, reader.status, reply)
        return reply.result

    def tell(self, method: str) -> None:
        """Send a notification; UnavailableError when it is not accepted."""
        reader = self._post(notification(method))
        if not 200 <= reader.status < 300:
            raise self._refused(method, reader.status, None)

    def end(self) -> None:
        """Say that the session is over; a server may not know how, or be gone."""
        with suppress(ExchangeFailed):
            self._send(request_of(self.target, RequestSpec("DELETE", self.headers)))

    def _post(self, body: bytes) -> AnswerReader:
        try:
            return self._send(request_of(self.target, RequestSpec("POST", self.headers, body)))
        except ExchangeFailed as failed:
            raise unusable(self.target, failed) from failed

    def _send(self, request: Request) -> AnswerReader:
        reader = AnswerReader(request.method)
        (connection,) = connections_to(self.target.address, self.target.host, self.trust, request, 1)
        connection.reader = reader
        exchange(connection, self.timeout_s)
        return reader

    def _refused(self, method: str, status: int, reply: Reply | None) -> UnavailableError:
        said = f"status {status}" if reply is None else reply.error
        return UnavailableError(
            "mcp-unusable",
            f"`{self.target.url}` does not answer `{method}` as an MCP server does: {said}",
            hint="name the endpoint of an MCP server that speaks streamable HTTP, often `/mcp`",
            location=f"{self.target.address.host}:{self.target.address.port}",
        )


@contextmanager
def mcp_session(
    targets: Sequence[Target], trust: Trust, headers: tuple[tuple[str, str], ...], timeout_s: float
) -> Iterator[McpSession]:
    """Give a session with the first address that takes connections; it is ended afterwards.

    UnavailableError when nobody answers (`target-unusable`), or not as an MCP server does (`mcp-unusable`).
    """
    session = _begin(targets, trust, headers, timeout_s)
    try:
        session.tell(INITIALIZED)
        yield session
    finally:
        session.end()


def _begin(
    targets: Sequence[Target], trust: Trust, headers: tuple[tuple[str, str], ...], timeout_s: float
) -> McpSession:
    fields = (*CONTENT_FIELDS, *headers)
    hello = RequestSpec("POST", fields, call_message("initialize", introduction("sophia-bench"), FIRST_ID))
    for place, target in enumerate(targets):
        session = McpSession(target, trust, fields, timeout_s)
        try:
            reader = session._send(request_of(target, hello))
        except ExchangeFailed as failed:
            if failed.failure in (Failure.REFUSED, Failure.UNREACHABLE) and place + 1 < len(targets):
                continue
            raise unusable(target, failed) from failed
        reply = reply_in(reader, FIRST_ID)
        if reply is None or reply.result is None:
            raise session._refused("initialize", reader.status, reply)
        version = str(reply.result.get("protocolVersion", PROTOCOL_VERSION))
        own = session_fields(field_of(reader, SESSION_FIELD.lower()), version)
        return replace(session, headers=(*fields, *own))
    raise AssertionError("a host has an address")
