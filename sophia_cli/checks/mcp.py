"""A session with an MCP server over streamable HTTP: handshake, calls, answers as JSON or as events."""

from __future__ import annotations

import json
from urllib.parse import urljoin, urlsplit

from sophia_cli.checks.answer import Answer
from sophia_cli.checks.http_client import ExchangeFailed, HttpClient, HttpRequest
from sophia_cli.checks.mcp_messages import (
    CONTENT_FIELDS,
    EVENTS,
    INITIALIZED,
    PROTOCOL_VERSION,
    SESSION_FIELD,
    Json,
    call_message,
    introduction,
    notification,
    payloads_in,
    session_fields,
)
from sophia_cli.core.values import dataclass

METHOD_NOT_FOUND = -32601
_MOST_REDIRECTS = 3
_MOST_PAGES = 50
_SHOWN = 120


class McpFailed(Exception):
    """The server does not speak MCP, or not well; the text says what it did instead."""


@dataclass(frozen=True, slots=True)
class McpServer:
    """What a server said of itself in the handshake."""

    name: str
    protocol_version: str
    has_tools: bool


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool as the server lists it; schemas are JSON texts, empty where the server gave none."""

    name: str
    input_schema: str
    output_schema: str


@dataclass(frozen=True, slots=True)
class McpReply:
    """The answer to a call: a result as JSON text, or the code and message of an error."""

    result: str | None
    error_code: int | None
    error_message: str
    duration_s: float


class McpSession:
    """A session at one path of an endpoint. Call `start` first, `end` last; both sides forget it then."""

    def __init__(self, client: HttpClient, path: str, timeout_s: float) -> None:
        self._client = client
        self._path = path
        self._timeout_s = timeout_s
        self._session: str | None = None
        self._version: str | None = None
        self._last_id = 0

    async def start(self) -> McpServer:
        """Shake hands; McpFailed when the answer is none of MCP, ExchangeFailed when there is none."""
        server = _server(await self.call("initialize", introduction("sophia")))
        self._version = server.protocol_version
        await self._post(notification(INITIALIZED), None)
        return server

    async def call(self, method: str, params: Json) -> McpReply:
        """Return the server's answer to a method; McpFailed for what is no JSON-RPC answer, ExchangeFailed for none."""
        self._last_id += 1
        number = self._last_id
        answer = await self._post(call_message(method, params, number), number)
        message = _answer_in(answer.media_type, answer.body, number)
        if message is None:
            raise McpFailed(_not_mcp(answer))
        if method == "initialize":
            self._session = answer.header(SESSION_FIELD)
        return _reply(message, answer.duration_s)

    async def tools(self) -> tuple[McpTool, ...]:
        """Return every tool that the server lists, over all pages; McpFailed for a list that is none."""
        found: list[McpTool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            reply = await self.call("tools/list", {} if cursor is None else {"cursor": cursor})
            if reply.result is None:
                raise McpFailed(f"`tools/list` answers with error {reply.error_code}: {reply.error_message}")
            result = json.loads(reply.result)
            listed = result.get("tools") if isinstance(result, dict) else None
            if not isinstance(listed, list):
                raise McpFailed("the answer to `tools/list` has no list of `tools`")
            found += [_tool(item) for item in listed]
            cursor = result.get("nextCursor")
            if not isinstance(cursor, str):
                return tuple(found)
        raise McpFailed(f"`tools/list` does not end after {_MOST_PAGES} pages")

    async def end(self) -> None:
        """Tell the server that the session is over; a server that does not care is not asked to."""
        if self._session is None:
            return
        fields = session_fields(self._session, self._version or PROTOCOL_VERSION)
        self._session = None
        try:
            await self._client.send(HttpRequest("DELETE", self._path, fields), self._timeout_s)
        except ExchangeFailed:
            self._client.close()

    async def _post(self, body: bytes, number: int | None) -> Answer:
        fields = (*CONTENT_FIELDS, *session_fields(self._session, self._version))

        def is_there(events: bytes) -> bool:
            return number is None or _answer_in(EVENTS, events, number) is not None

        for _ in range(_MOST_REDIRECTS + 1):
            request = HttpRequest("POST", self._path, fields, body, repeatable=True)
            answer = await self._client.send(request, self._timeout_s, is_there)
            place = _redirected(answer, self._path)
            if place is None:
                return answer
            self._path = place
        raise McpFailed(f"`{self._path}` is redirected more than {_MOST_REDIRECTS} times")


def _redirected(answer: Answer, path: str) -> str | None:
    location = answer.header("location")
    if answer.status not in (307, 308) or not location:
        return None
    parts = urlsplit(urljoin(path, location))
    return parts.path + (f"?{parts.query}" if parts.query else "") if parts.path else None


def _answer_in(media_type: str, body: bytes, number: int) -> Json | None:
    """Return the message that answers a call; a stream of events need not be complete."""
    for message in payloads_in(media_type, body):
        if isinstance(message, dict) and _answers(message, number):
            return message
    return None


def _answers(message: Json, number: int) -> bool:
    # A server that could not even read the id answers with null (JSON-RPC 2.0, 5).
    is_ours = message.get("id") == number or (message.get("id") is None and "error" in message)
    return message.get("jsonrpc") == "2.0" and is_ours and ("result" in message or "error" in message)


def _reply(message: Json, duration_s: float) -> McpReply:
    error = message.get("error")
    if "error" in message:
        code = error.get("code") if isinstance(error, dict) else None
        text = error.get("message") if isinstance(error, dict) else None
        if not isinstance(code, int) or isinstance(code, bool) or not isinstance(text, str):
            raise McpFailed("an error of the server has no integer `code` and `message`")
        return McpReply(None, code, text, duration_s)
    return McpReply(json.dumps(message["result"]), None, "", duration_s)


def _server(reply: McpReply) -> McpServer:
    if reply.result is None:
        raise McpFailed(f"`initialize` answers with error {reply.error_code}: {reply.error_message[:_SHOWN]}")
    result = json.loads(reply.result)
    if not isinstance(result, dict):
        raise McpFailed("the answer to `initialize` is no object")
    version, capabilities, info = (result.get(key) for key in ("protocolVersion", "capabilities", "serverInfo"))
    if not isinstance(version, str) or not isinstance(capabilities, dict) or not isinstance(info, dict):
        raise McpFailed("the answer to `initialize` lacks `protocolVersion`, `capabilities` or `serverInfo`")
    return McpServer(str(info.get("name", "")), version, "tools" in capabilities)


def _tool(item: object) -> McpTool:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise McpFailed("a tool of `tools/list` has no `name`")
    schemas = [json.dumps(item[key]) if key in item else "" for key in ("inputSchema", "outputSchema")]
    return McpTool(item["name"], schemas[0], schemas[1])


def _not_mcp(answer: Answer) -> str:
    if answer.status >= 400:
        return f"no MCP answer: status {answer.status}"
    kind = answer.media_type or "no content type"
    return f"no MCP answer: status {answer.status} with {kind} that holds no JSON-RPC answer"
