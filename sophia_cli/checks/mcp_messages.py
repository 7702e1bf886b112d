"""Messages of the Model Context Protocol over streamable HTTP as bytes: JSON-RPC 2.0, one message a POST.

The format is that of "Transports" (2025-06-18): a message is answered by `application/json` or by `text/event-stream`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from sophia_cli import __version__

PROTOCOL_VERSION = "2025-06-18"
EVENTS = "text/event-stream"
# What every message says of itself and of the answers that are understood.
CONTENT_FIELDS = (("Content-Type", "application/json"), ("Accept", f"application/json, {EVENTS}"))
SESSION_FIELD = "Mcp-Session-Id"
INITIALIZED = "notifications/initialized"

Json = Mapping[str, object]


def call_message(method: str, params: Json, number: int) -> bytes:
    """Return the call of a method, which the server answers under this number."""
    return _encoded({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def notification(method: str) -> bytes:
    """Return a message that nobody answers."""
    return _encoded({"jsonrpc": "2.0", "method": method})


def introduction(name: str) -> Json:
    """Return the parameters of `initialize`, with which a client of this name begins a session."""
    client = {"name": name, "version": __version__}
    return {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}, "clientInfo": client}


def session_fields(session: str | None, version: str | None) -> tuple[tuple[str, str], ...]:
    """Return the header fields of what follows on `initialize`: the server's number for the session, the version."""
    fields = ((SESSION_FIELD, session), ("Mcp-Protocol-Version", version))
    return tuple((name, value) for name, value in fields if value is not None)


def payloads_in(media_type: str, body: bytes) -> Iterator[object]:
    """Yield what a body holds, one value or one for each event; what is no JSON is passed over.

    A stream may end anywhere: an event counts once its JSON is whole.
    """
    for text in _events(body) if media_type == EVENTS else (body,):
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            continue


def _events(body: bytes) -> Iterator[bytes]:
    """Yield the data of the events of a stream (HTML Living Standard, 9.2.6)."""
    lines: list[bytes] = []
    for line in [*body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"), b""]:
        if line.startswith(b"data:"):
            lines.append(line[5:].removeprefix(b" "))
        elif not line and lines:
            yield b"\n".join(lines)
            lines = []


def _encoded(message: Json) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
