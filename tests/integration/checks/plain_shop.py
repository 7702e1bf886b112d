"""A shop on the standard library alone, right or with one fault, with a document written by hand."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from shop_faults import PAGES, STATES, Fault, score_of


class Refused(Exception):
    """A request that gets an error status."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Shop(BaseHTTPRequestHandler):
    """One connection to the shop."""

    protocol_version = "HTTP/1.1"
    # Head and body in one packet: else each answer waits 40 ms for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    fault: ClassVar[Fault | None] = None
    documented: ClassVar[bool] = True
    orders: ClassVar[dict[int, dict[str, object]]] = {}

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        try:
            status, content = self._answer(body)
        except Refused as refused:
            status, content = refused.status, {"error": refused.status}
        except (KeyError, ZeroDivisionError, TypeError, AttributeError) as error:
            status, content = 500, {"error": repr(error)}
        data = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.fault is Fault.ANY_ORIGIN and "Origin" in self.headers:
            self.send_header("Access-Control-Allow-Origin", self.headers["Origin"])
            self.send_header("Access-Control-Allow-Credentials", "true")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = do_OPTIONS = do_PUT = do_HEAD = _handle

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, body: bytes) -> tuple[int, object]:
        url = urlsplit(self.path)
        match self.command, [unquote(part) for part in url.path.strip("/").split("/")]:
            case "GET", ["openapi.json"] if self.documented:
                return 200, document(self.fault)
            case "GET", ["health"]:
                return 200, {"status": "ok"}
            case "GET", ["orders"]:
                wanted = parse_qs(url.query).get("status", [None])[0]
                if wanted is not None and wanted not in STATES:
                    raise Refused(422)
                return 200, [order for order in self.orders.values() if wanted in (None, order["status"])]
            case "POST", ["orders"]:
                return 201, self._create(self._object(body))
            case "GET", ["orders", name]:
                return 200, self._found(name)
            case "PATCH", ["orders", name]:
                order, change = self._found(name), self._object(body)
                if self.fault is not Fault.ANY_STATE and change.get("status") not in STATES:
                    raise Refused(422)
                return 200, {**order, "status": change.get("status", "open")}
            case "POST", ["pleasantness"]:
                text = self._text(body)
                return 200, {"score": 0.87 if self.fault is Fault.CONSTANT_SCORE else score_of(text)}
            case "POST", ["words"]:
                words = self._text(body).split()
                if not words and self.fault is not Fault.EMPTY_DOCUMENT_CRASHES:
                    return 200, {"words": 0, "mean_length": 0}
                return 200, {"words": len(words), "mean_length": sum(map(len, words)) / len(words)}
            case "GET", ["page"]:
                return 200, {"text": self._page(parse_qs(url.query).get("file", [""])[0])}
        raise Refused(404)

    def _create(self, wanted: dict[str, object]) -> dict[str, object]:
        if self.fault is not Fault.MISSING_FIELD_CRASHES and not isinstance(wanted.get("item"), str):
            raise Refused(422)
        number = max(self.orders) + 1
        self.orders[number] = {"id": number, "item": wanted["item"], "status": "open"}
        return self.orders[number]

    def _found(self, name: str) -> dict[str, object]:
        number = int(name) if name.isdigit() else 0
        if number in self.orders:
            return self.orders[number]
        if self.fault is Fault.UNKNOWN_ID_IS_FOUND:
            return {"id": 1, "item": "sample", "status": "open"}
        raise Refused(404)

    def _object(self, body: bytes) -> dict[str, object]:
        try:
            value = json.loads(body)
        except ValueError as error:
            raise Refused(400) from error
        if not isinstance(value, dict):
            raise Refused(422)
        return value

    def _text(self, body: bytes) -> str:
        text = self._object(body).get("text")
        if not isinstance(text, str):
            raise Refused(422)
        return text

    def _page(self, name: str) -> str:
        if self.fault is Fault.ANY_FILE and Path(name).is_file():
            return Path(name).read_text("utf-8")
        if name not in PAGES:
            raise Refused(404)
        return PAGES[name]


def document(fault: Fault | None) -> dict[str, object]:
    """Return the shop's OpenAPI document."""
    order = {
        "type": "object",
        "required": ["id", "item", "status"],
        "properties": {
            "id": {"type": "integer"},
            "item": {"type": "string"},
            "status": {"type": "string", "enum": list(STATES)},
        },
    }
    ref = {"$ref": "#/components/schemas/Order"}
    text = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
    change = {"type": "object", "properties": {"status": {"type": "string", "nullable": True, "example": "paid"}}}
    new_order = {"type": "object", "properties": {"item": {"type": "string", "example": "tea"}}}
    state = {"type": "string", "enum": list(STATES)}
    id_ = [{"name": "order_id", "in": "path", "required": True, "schema": {"type": "integer"}}]
    return {
        "openapi": "3.0.3",
        "info": {"title": "Orders over MCP" if fault is Fault.NO_MCP else "Orders", "version": "1"},
        "paths": {
            "/health": {"get": {"responses": answer({"type": "object"})}},
            "/orders": {
                "get": {
                    "parameters": [{"name": "status", "in": "query", "schema": state}],
                    "responses": answer({"type": "array", "items": ref}),
                },
                "post": {"requestBody": body_of(new_order), "responses": answer(ref, "201")},
            },
            "/orders/{order_id}": {
                "parameters": id_,
                "get": {"responses": answer(ref)},
                "patch": {"requestBody": body_of(change), "responses": answer({"type": "object"})},
            },
            "/pleasantness": {"post": {"requestBody": body_of(text), "responses": answer({"type": "object"})}},
            "/words": {"post": {"requestBody": body_of(text), "responses": answer({"type": "object"})}},
            "/page": {
                "get": {
                    "parameters": [{"name": "file", "in": "query", "required": True, "schema": {"type": "string"}}],
                    "responses": answer({"type": "object"}),
                }
            },
        },
        "components": {"schemas": {"Order": order}},
    }


def answer(schema: object, status: str = "200") -> object:
    """Return what a document says of an answer."""
    return {status: {"description": "", "content": {"application/json": {"schema": schema}}}}


def body_of(schema: object) -> object:
    """Return what a document says of a body."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


@contextlib.contextmanager
def plain_shop(fault: Fault | None = None, *, documented: bool = True) -> Iterator[str]:
    """Run the shop and give its URL."""
    attributes = {"fault": fault, "documented": documented, "orders": {1: {"id": 1, "item": "tea", "status": "open"}}}
    handler = type("OneShop", (Shop,), attributes)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(timeout=60)
