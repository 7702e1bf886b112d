"""Checks that the settings declare: what they expect, capture, repeat, and say when they fail."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from plain_shop import plain_shop
from raw_servers import OK, answering, raw_server
from verified import Verify

Settings = Callable[[str, str], str]

STORY = """
[[services.shop.checks]]
name = "creates an order"
request = "POST /orders"
json = { item = "tea" }
status = 201
expect = { "$.item" = "tea", "$.id" = { type = "integer", min = 2 }, "$.gone" = { exists = false } }
expect_headers = { Content-Type = { matches = "json" } }
capture = { id = "$.id", item = "$.item" }
max_ms = 2000

[[services.shop.checks]]
name = "finds it again"
request = "GET /orders/{id}"
status = "2xx"
schema = { type = "object", required = ["id"], properties = { id = { type = "integer" } } }

[[services.shop.checks]]
name = "changes it"
request = "PATCH /orders/{id}"
json = { status = "paid", note = "{item} {id}", number = "{id}" }
headers = { X-Order = "{id}" }
status = [200, 204]
expect = { "$.status" = "paid", "$.id" = 2 }

[[services.shop.checks]]
name = "lists all"
request = "GET /orders"
expect = { "$[*].id" = { type = "integer" }, "$[0].status" = "open", "$" = { length = 2 } }

[[services.shop.checks]]
name = "refuses what is no JSON"
request = "POST /orders"
body = "{broken"
status = "4xx"
"""


def test_checks_of_a_service_tell_a_story(verify: Verify, shop_settings: Settings) -> None:
    with plain_shop() as url:
        done = verify("shop", settings=shop_settings(url, STORY))
    assert done.failed == {}
    assert done.code == 0
    assert list(done.messages)[:5] == [
        "creates an order",
        "finds it again",
        "changes it",
        "lists all",
        "refuses what is no JSON",
    ]


WRONG = {
    "status": 'request = "GET /health"\nstatus = 201',
    "class": 'request = "GET /nothing"\nstatus = ["2xx", 301]',
    "value": 'request = "GET /health"\nexpect = { "$.status" = "fine" }',
    "missing": 'request = "GET /health"\nexpect = { "$.uptime" = { exists = true } }',
    "type": 'request = "GET /orders"\nexpect = { "$[0].id" = { type = "string" } }',
    "boolean is no integer": 'request = "GET /orders"\nexpect = { "$[0].id" = true }',
    "pattern": 'request = "GET /health"\nexpect = { "$.status" = { matches = "^no" } }',
    "max": 'request = "GET /orders"\nexpect = { "$[0].id" = { max = 0 } }',
    "length": 'request = "GET /orders"\nexpect = { "$" = { length = 5 } }',
    "every one": 'request = "GET /orders"\nexpect = { "$[*].id" = 2 }',
    "header": 'request = "GET /health"\nexpect_headers = { X-None = { exists = true } }',
    "schema": 'request = "GET /health"\nschema = { type = "array" }',
    "no schema": 'request = "GET /health"\nschema = { type = "arr" }',
    "schema file": 'request = "GET /health"\nschema = "none.json"',
    "slow": 'request = "GET /health"\nmax_ms = 0.000001',
    "capture": 'request = "GET /health"\ncapture = { x = "$.x" }',
    "retry": 'request = "GET /nothing"\nretry_for = "120ms"',
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_not_as_expected_fails(verify: Verify, shop_settings: Settings, kind: str) -> None:
    with plain_shop() as url:
        done = verify("shop", settings=shop_settings(url, f'[[services.shop.checks]]\nname = "it"\n{WRONG[kind]}'))
    assert done.code == 1
    assert list(done.failed) == ["it"]
    assert done.failed["it"]


def test_a_check_that_needs_what_was_not_captured_fails_and_sends_nothing(
    verify: Verify, shop_settings: Settings
) -> None:
    checks = """
[[services.shop.checks]]
name = "captures"
request = "GET /health"
capture = { id = "$.none" }

[[services.shop.checks]]
name = "uses"
request = "DELETE /orders/{id}"
status = 204
"""
    with raw_server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as server:
        done = verify("shop", settings=shop_settings(server.url, checks))
    assert {"captures", "uses"} <= set(done.failed)
    assert not any(request.startswith(b"DELETE") for request in server.requests)


def test_a_check_is_repeated_until_it_passes(verify: Verify, shop_settings: Settings) -> None:
    seen: list[int] = []

    def respond(connection: socket.socket, number: int) -> bool:
        seen.append(number)
        status = b"200 OK" if len(seen) > 4 else b"503 Busy"
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        return True

    check = '[[services.shop.checks]]\nname = "it"\nrequest = "GET /"\nretry_for = "5s"'
    with raw_server(respond) as server:
        done = verify("shop", settings=shop_settings(server.url, check))
    assert "it" in done.messages
    assert "it" not in done.failed


def test_a_schema_file_is_relative_to_the_project(verify: Verify, shop_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "health.json").write_text('{"type": "object", "required": ["status"]}', "utf-8")
    check = '[[services.shop.checks]]\nname = "it"\nrequest = "GET /health"\nschema = "health.json"'
    with plain_shop() as url:
        assert verify("shop", settings=shop_settings(url, check)).failed == {}


def test_faults_are_found_by_declared_checks_alone(verify: Verify, shop_settings: Settings) -> None:
    from shop_faults import Fault

    checks = """
[[services.shop.checks]]
name = "creates"
request = "POST /orders"
json = { item = "tea" }
status = 201

[[services.shop.checks]]
name = "shows"
request = "GET /orders/1"

[[services.shop.checks]]
name = "page"
request = "GET /page?file=terms.txt"
"""
    expected = {
        None: set(),
        Fault.MISSING_FIELD_CRASHES: {"POST /orders refuses what lacks a field"},
        Fault.UNKNOWN_ID_IS_FOUND: {"GET /orders/{id} refuses an unknown id"},
        Fault.ANY_FILE: {"GET /page reads no other file"},
    }
    for fault, names in expected.items():
        with plain_shop(fault, documented=False) as url:
            done = verify("shop", "--writes", settings=shop_settings(url, checks))
        assert names <= set(done.failed)
        assert bool(done.failed) is bool(names)


def test_a_declared_document_is_read_from_the_service_or_from_a_file(
    verify: Verify, shop_settings: Settings, tmp_path: Path
) -> None:
    import json

    from plain_shop import document

    (tmp_path / "api.json").write_text(json.dumps(document(None)), "utf-8")
    with plain_shop(documented=False) as url:
        done = verify("shop", settings=shop_settings(url, 'openapi = "api.json"'))
        assert "GET /orders" in done.messages
        assert done.failed == {}
        missing = verify("shop", settings=shop_settings(url, 'openapi = "/docs/api.json"'))
    assert list(missing.failed) == ["the OpenAPI document can be read"]


def test_ok_is_what_a_body_says_and_not_a_value(verify: Verify, shop_settings: Settings) -> None:
    check = '[[services.shop.checks]]\nname = "it"\nrequest = "GET /"\nexpect = { "$.a" = 1 }'
    with raw_server(answering(OK)) as server:
        done = verify("shop", settings=shop_settings(server.url, check))
    assert "it" in done.failed


def test_a_check_uses_a_secret_that_no_report_shows(
    verify: Verify, shop_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def echo(connection: socket.socket, number: int) -> bool:
        body = server.requests[-1]
        connection.sendall(b"HTTP/1.1 400 No\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        return True

    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    checks = 'secrets = ["SHOP_TOKEN"]\n[[services.shop.checks]]\nname = "it"\nrequest = "GET /x"\n'
    checks += 'headers = { Authorization = "Bearer {SHOP_TOKEN}", Accept = "x" }'
    with raw_server(echo) as server:
        without = verify("shop", settings=shop_settings(server.url, checks))
        (tmp_path / ".env").write_text("SHOP_TOKEN=dragonfly\n", "utf-8")
        done = verify("shop", settings=shop_settings(server.url, checks))
    assert any(b"Authorization: Bearer dragonfly\r\n" in request for request in server.requests)
    assert "dragonfly" not in str(done.document)
    assert "it" in done.failed
    assert "it" in without.failed
    assert not any(b"{SHOP_TOKEN}" in request for request in server.requests)


def test_a_captured_value_cannot_end_a_header(verify: Verify, shop_settings: Settings) -> None:
    checks = """
[[services.shop.checks]]
name = "captures"
request = "GET /"
capture = { name = "$.name" }

[[services.shop.checks]]
name = "uses"
request = "GET /ä?x={name}"
headers = { X-Name = "{name}" }
"""
    body = b'{"name": "a\\r\\nX-Evil: 1"}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with raw_server(answering(answer)) as server:
        done = verify("shop", settings=shop_settings(server.url, checks))
    assert not {"captures", "uses"} & set(done.failed)
    request = next(one for one in server.requests if b"X-Name" in one)
    assert request.startswith(b"GET /%C3%A4?x=a%0D%0AX-Evil%3A%201 HTTP/1.1\r\n")
    assert b"X-Name: a  X-Evil: 1\r\n" in request


def test_probes_of_the_settings_have_to_pass(verify: Verify, shop_settings: Settings) -> None:
    probes = 'readiness = { http = "/health" }\nstartup = { tcp = true }\nliveness = { command = "false" }\n'
    with plain_shop() as url:
        right = verify("shop", settings=shop_settings(url, probes))
        wrong = verify("shop", settings=shop_settings(url, probes.replace("/health", "/ready")))
    assert {"the readiness probe passes", "the startup probe passes"} <= set(right.messages)
    assert right.failed == {}
    assert list(wrong.failed) == ["the readiness probe passes"]
