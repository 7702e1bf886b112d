"""Small MCP servers that answer as JSON or as events, whose tools fail in every way; and one of the official SDK."""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.ports import free_port

SESSION = "a-session"
SCHEMA: dict[str, object] = {"type": "object"}
TOOLS: list[dict[str, object]] = [{"name": "echo", "inputSchema": SCHEMA, "annotations": {"readOnlyHint": True}}]
TOOLS += [{"name": name, "inputSchema": SCHEMA} for name in ("fails", "rejects", "forgets", "stumbles")]
OFFICIAL = """
import sys
import uvicorn
from mcp.server.mcpserver import MCPServer

server = MCPServer("official", log_level="ERROR")


@server.tool()
def add(a: int, b: int) -> int:
    return a + b


app = server.streamable_http_app(json_response=sys.argv[2] == "json", stateless_http=sys.argv[3] == "stateless")
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
"""


class Style(Enum):
    """How answers are sent."""

    JSON = "json"
    EVENTS = "events"
    EVENTS_UNTIL_CLOSE = "events-until-close"


class McpServer(ThreadingHTTPServer):
    """Speaks MCP; `ids` are those of the calls, `overlaps` counts calls that came with an id already under way."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, style: Style) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.style = style
        self.lock = threading.Lock()
        self.under_way: set[int] = set()
        self.ids: list[int] = []
        self.overlaps = 0
        self.strangers = 0
        self.initialized = 0
        self.ended = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/mcp"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_DELETE(self) -> None:
        assert isinstance(self.server, McpServer)
        self.server.ended += self.headers.get("Mcp-Session-Id") == SESSION
        self._send(200, None)

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, McpServer)
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method = message["method"]
        if method == "initialize":
            about = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "x"}}
            self._send(200, {"id": message["id"], "result": about})
            return
        if (self.headers.get("Mcp-Session-Id"), self.headers.get("MCP-Protocol-Version")) != (SESSION, "2025-06-18"):
            server.strangers += 1
        if method == "notifications/initialized":
            server.initialized += 1
            self._send(202, None)
        elif method == "tools/list":
            # Two pages, so that the second one has to be asked for.
            page = TOOLS[1:] if "cursor" in message["params"] else TOOLS[:1]
            more = {} if "cursor" in message["params"] else {"nextCursor": "2"}
            self._send(200, {"id": message["id"], "result": {"tools": page, **more}})
        else:
            self._call(server, message)

    def _call(self, server: McpServer, message: dict[str, object]) -> None:
        number, params = message["id"], message["params"]
        assert isinstance(number, int)
        assert isinstance(params, dict)
        with server.lock:
            server.overlaps += number in server.under_way
            server.under_way.add(number)
            server.ids.append(number)
            turn = len(server.ids)
        text = json.dumps(params["arguments"])
        good = {"id": number, "result": {"content": [{"type": "text", "text": text}], "isError": False}}
        is_first = turn == 1
        with server.lock:
            server.under_way.discard(number)
        match params["name"]:
            case "fails" if not is_first:
                self._send(200, {"id": number, "result": {"content": [], "isError": True}})
            case "rejects" if not is_first:
                self._send(200, {"id": number, "error": {"code": -32602, "message": "no"}})
            case "forgets" if not is_first:
                self._send(200, {"id": number + 1, "result": {"content": []}})
            case "stumbles":
                self._send(200, {"id": number, "error": {"code": -32603, "message": "down"}})
            case _:
                self._send(200, good)

    def _send(self, status: int, message: dict[str, object] | None) -> None:
        assert isinstance(self.server, McpServer)
        style = self.server.style
        self.send_response(status)
        self.send_header("Mcp-Session-Id", SESSION)
        data = b"" if message is None else json.dumps({"jsonrpc": "2.0", **message}).encode()
        if message is None or style is Style.JSON:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            return
        progress = b'{"jsonrpc":"2.0","method":"notifications/progress","params":{}}'
        events = [b": hello\r\n\r\n", b"event: message\r\ndata: " + progress + b"\r\n\r\n", b"data: " + data + b"\n\n"]
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        if style is Style.EVENTS:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in events:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"".join(events))
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def mcp_server(style: Style) -> Iterator[McpServer]:
    """Run a server of our own in threads."""
    with McpServer(style) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=60)


@contextmanager
def official_server(form: str, kind: str) -> Iterator[str]:
    """Run a server of the official SDK as a process and give its URL."""
    port = free_port()
    command = [sys.executable, "-c", OFFICIAL, str(port), form, kind]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 300
        while True:
            assert process.poll() is None, "the server ended at once"
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert time.monotonic() < deadline
            select.select((), (), (), 0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(120)
