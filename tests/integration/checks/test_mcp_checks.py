"""MCP: the official SDK's server passes, what is not MCP or gets it wrong does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from app_server import serving_app
from checked_mcp_servers import sdk_app, small_mcp
from plain_shop import plain_shop
from verified import Verify

from sophia_cli.checks.endpoint import tcp_endpoint
from sophia_cli.checks.probe import run_probe
from sophia_cli.project.settings.check_model import Probe, ProbeKind

Settings = Callable[[str, str], str]

CHECKS = """
[[services.shop.checks]]
name = "contract"
mcp = "/mcp"

[[services.shop.checks]]
name = "adds"
mcp = "/mcp"
tool = "add"
arguments = { left = 2, right = 3 }
expect = { "$.total" = 5 }
schema = { type = "object", required = ["total"] }
capture = { total = "$.total" }

[[services.shop.checks]]
name = "adds again"
mcp = "/mcp/"
tool = "add"
arguments = { left = "{total}", right = 1 }
expect = { "$.total" = 6 }
"""

WRONG = """
[[services.shop.checks]]
name = "no such tool"
mcp = "/mcp"
tool = "subtract"

[[services.shop.checks]]
name = "fails"
mcp = "/mcp"
tool = "divide"
arguments = { left = 1, right = 0 }

[[services.shop.checks]]
name = "wrong argument"
mcp = "/mcp"
tool = "add"
arguments = { left = "two" }

[[services.shop.checks]]
name = "wrong value"
mcp = "/mcp"
tool = "add"
arguments = { left = 2, right = 3 }
expect = { "$.total" = 6 }
"""


def probe_of(url: str) -> Probe:
    return Probe(ProbeKind.MCP, "/mcp", None, None, 0.25, 5.0, 3)


def passes(url: str) -> bool:
    port = int(url.rpartition(":")[2])
    return asyncio.run(run_probe(probe_of(url), tcp_endpoint("127.0.0.1", port))).passed


def test_a_server_of_the_official_sdk_passes(verify: Verify, shop_settings: Settings) -> None:
    with serving_app(sdk_app()) as url:
        done = verify("shop", settings=shop_settings(url, CHECKS))
        assert passes(url)
    assert done.failed == {}
    assert {"contract", "adds", "adds again", "MCP is spoken where it is claimed"} <= set(done.messages)


def test_calls_that_go_wrong_are_failures(verify: Verify, shop_settings: Settings) -> None:
    with serving_app(sdk_app()) as url:
        done = verify("shop", settings=shop_settings(url, WRONG))
    assert set(done.failed) == {"no such tool", "fails", "wrong argument", "wrong value"}


@pytest.mark.parametrize("reads_any_file", [False, True])
def test_a_tool_that_reads_any_file_is_caught(verify: Verify, reads_any_file: bool) -> None:
    with serving_app(sdk_app(reads_any_file=reads_any_file)) as url:
        done = verify(url, "--writes")
    assert ("no MCP tool reads any file" in done.failed) is reads_any_file


def test_a_shop_is_no_mcp_server(verify: Verify, shop_settings: Settings) -> None:
    with plain_shop() as url:
        done = verify("shop", settings=shop_settings(url, CHECKS))
        assert not passes(url)
    assert {"contract", "adds", "adds again", "MCP is spoken where it is claimed"} == set(done.failed)


BAD: dict[str, dict[str, object]] = {
    "wrong code": {"": {"error": {"code": -32602, "message": "no"}}},
    "a result for an unknown method": {"": {"result": {}}},
    "no code": {"": {"error": {"message": "no"}}},
    "no version": {"initialize": {"result": {"capabilities": {}, "serverInfo": {"name": "x"}}}},
    "handshake refused": {"initialize": {"error": {"code": -32000, "message": "no"}}},
    "no list": {"tools/list": {"result": {"tools": "none"}}},
    "schema that is none": {"tools/list": {"result": {"tools": [{"name": "x", "inputSchema": {"type": "objekt"}}]}}},
    "schema of a list": {"tools/list": {"result": {"tools": [{"name": "x", "inputSchema": {"type": "array"}}]}}},
    "no schema": {"tools/list": {"result": {"tools": [{"name": "x"}]}}},
    "twice": {"tools/list": {"result": {"tools": [{"name": "x", "inputSchema": {"type": "object"}}] * 2}}},
    "endless pages": {"tools/list": {"result": {"tools": [], "nextCursor": "more"}}},
}


@pytest.mark.parametrize("kind", [None, *BAD])
def test_a_server_that_gets_it_wrong_is_caught(verify: Verify, shop_settings: Settings, kind: str | None) -> None:
    check = '[[services.shop.checks]]\nname = "contract"\nmcp = "/mcp"'
    with small_mcp(BAD[kind] if kind else {}) as (url, ended):
        done = verify("shop", settings=shop_settings(url, check))
    assert ("contract" in done.failed) is (kind is not None)
    assert set(ended) <= {"s1"}


def test_a_declared_output_needs_structured_content(verify: Verify, shop_settings: Settings) -> None:
    check = '[[services.shop.checks]]\nname = "it"\nmcp = "/mcp"\ntool = "echo"\nexpect = { "$.a" = 1 }'
    tool = {"name": "echo", "inputSchema": {"type": "object"}, "outputSchema": {"type": "object"}}
    with small_mcp({}) as (url, ended):
        assert verify("shop", settings=shop_settings(url, check)).failed == {}
        assert ended
    with small_mcp({"tools/list": {"result": {"tools": [tool]}}}) as (url, _):
        assert "it" in verify("shop", settings=shop_settings(url, check)).failed


def test_sessions_are_ended_by_probes() -> None:
    with small_mcp({}) as (url, ended):
        assert passes(url)
    assert ended == ["s1"]
