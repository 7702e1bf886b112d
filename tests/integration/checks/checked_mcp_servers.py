"""MCP servers: one with the official SDK, and one on the standard library that can get things wrong."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel


class Sum(BaseModel):
    """A sum."""

    total: int


def sdk_app(*, reads_any_file: bool = False) -> Any:  # an ASGI application
    """Return an application with an MCP server at `/mcp` by the official SDK."""
    server = MCPServer("adder")

    @server.tool()
    def add(left: int, right: int) -> Sum:
        """Add two numbers."""
        return Sum(total=left + right)

    @server.tool()
    def divide(left: int, right: int) -> float:
        """Divide two numbers."""
        return left / right

    @server.tool()
    def read_note(path: str) -> str:
        """Read a note."""
        if reads_any_file:
            return Path(path).read_text("utf-8")
        return {"a.txt": "first"}[path]

    return server.streamable_http_app()


class SmallMcp(BaseHTTPRequestHandler):
    """A server of JSON answers; `answers` replaces what it says to a method."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    answers: ClassVar[dict[str, object]] = {}
    ended: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        """Answer one message."""
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in message:
            self._send(202, None)
            return
        usual: dict[str, object] = {
            "initialize": {
                "result": {
                    "protocolVersion": "2025-06-18",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "small", "version": "1"},
                }
            },
            "tools/list": {"result": {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}},
            "tools/call": {"result": {"content": [{"type": "text", "text": '{"a": 1}'}]}},
        }
        method = message["method"]
        unknown = {"error": {"code": -32601, "message": "Method not found"}}
        said = self.answers.get(method, usual.get(method, self.answers.get("", unknown)))
        assert isinstance(said, dict)
        self._send(200, {"jsonrpc": "2.0", "id": message["id"], **said})

    def do_DELETE(self) -> None:
        """End a session."""
        self.ended.append(self.headers["Mcp-Session-Id"])
        self._send(200, None)

    def do_GET(self) -> None:
        """There is nothing to get."""
        self._send(404, None)

    def _send(self, status: int, content: object) -> None:
        data = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Mcp-Session-Id", "s1")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def small_mcp(answers: dict[str, object]) -> Iterator[tuple[str, list[str]]]:
    """Run the small server; give its URL and the sessions that were ended."""
    ended: list[str] = []
    handler = type("OneMcp", (SmallMcp,), {"answers": answers, "ended": ended})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", ended
        finally:
            server.shutdown()
            thread.join(timeout=60)
