"""Calls of MCP tools: answers as JSON and as events count, and what is no result is an error of its kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mcp_servers import McpServer, Style, mcp_server, official_server

from sophia_cli.bench.mcp.call import FIRST_ID, Reply, reply_to
from sophia_cli.main import main

SHORT = ("--duration", "300ms", "--requests", "40", "--connections", "4")


def row_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[dict[str, object], str]:
    assert main(["bench", "--json", *SHORT, *words]) == 0
    said = capsys.readouterr()
    row = json.loads(said.out)["services"][0]
    assert isinstance(row, dict)
    return row, said.err


@pytest.mark.parametrize("style", Style)
def test_calls_are_measured_in_a_session_of_their_own(style: Style, capsys: pytest.CaptureFixture[str]) -> None:
    with mcp_server(style) as server:
        row, said = row_of(capsys, server.url, "--mcp-tool", "echo", "--mcp-arguments", '{"text": "1000000000"}')
    assert (row["request"], row["errors"]) == ("tools/call echo", 0)
    assert row["requests"] != 0
    assert (server.initialized, server.ended, server.strangers, server.overlaps) == (1, 1, 0, 0)
    assert set(server.ids) <= {FIRST_ID + number for number in range(4)}
    assert len(set(server.ids)) > 1
    assert said == ""


@pytest.mark.parametrize(
    ("tool", "kind", "style"),
    [
        ("fails", "tool-error", Style.EVENTS),
        ("fails", "tool-error", Style.EVENTS_UNTIL_CLOSE),
        ("rejects", "rpc-error", Style.JSON),
        ("forgets", "no-result", Style.EVENTS),
    ],
)
def test_what_is_no_result_is_an_error_of_its_kind(
    tool: str, kind: str, style: Style, capsys: pytest.CaptureFixture[str]
) -> None:
    with mcp_server(style) as server:
        row, said = row_of(capsys, server.url, "--mcp-tool", tool)
    assert row["errors_by_kind"] == {kind: row["requests"]}
    assert row["grade"] in ("F", None)
    assert "may write" in said


@pytest.mark.parametrize(
    ("words", "code", "reference"),
    [
        (("--mcp-tool", "stumbles"), 69, "target-unusable"),
        (("--mcp-tool", "ecko"), 2, "tool-unknown"),
        (("--mcp-tool", "echo", "--mcp-arguments", "[]"), 2, "usage"),
        (("--mcp-tool", "echo", "--mcp-arguments", "{"), 2, "usage"),
        (("--mcp-tool", "echo", "--method", "GET"), 2, "usage"),
        (("--mcp-arguments", "{}"), 2, "usage"),
    ],
)
def test_a_call_that_cannot_be_is_said_before_any_load(
    words: tuple[str, ...], code: int, reference: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with mcp_server(Style.JSON) as server:
        assert main(["bench", "--json", server.url, *words]) == code
        assert len(server.ids) <= 1
        assert server.ended == server.initialized
    assert json.loads(capsys.readouterr().out)["error"]["reference"] == reference


def test_a_web_page_is_no_mcp_server(capsys: pytest.CaptureFixture[str]) -> None:
    with McpServer(Style.JSON) as server:  # accepts connections, and nobody answers them
        words = ["bench", "--json", server.url, "--mcp-tool", "echo", "--timeout", "200ms"]
        assert main(words) == 69
    assert json.loads(capsys.readouterr().out)["error"]["reference"] == "target-unusable"


def test_a_declared_service_is_called_at_the_path_of_its_mcp_probe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with mcp_server(Style.JSON) as server:
        port = server.server_address[1]
        text = f'[services.tools]\napp = "tools:app"\nport = {port}\nreadiness = {{ mcp = "/other" }}\n'
        (tmp_path / "sophia.toml").write_text(text)
        row, _ = row_of(capsys, "tools", "--mcp-tool", "echo")
    assert (row["name"], row["url"]) == ("tools", server.url.replace("/mcp", "/other"))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", "events"])
@pytest.mark.parametrize("kind", ["sessions", "stateless"])
def test_servers_of_the_official_sdk_are_understood(form: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    with official_server(form, kind) as url:
        row, _ = row_of(capsys, url, "--mcp-tool", "add", "--mcp-arguments", '{"a": 1, "b": 2}')
    assert row["errors"] == 0
    assert row["requests"] != 0


@pytest.mark.parametrize(
    ("media_type", "body", "reply"),
    [
        ("application/json", b'{"id": 7, "result": {"a": 1}}', Reply({"a": 1}, "")),
        ("application/json", b'[{"id": 6, "result": {}}, {"id": 7, "result": {"b": 2}}]', Reply({"b": 2}, "")),
        ("application/json", b'{"id": 7, "error": {"code": -1, "message": "m"}}', Reply(None, "-1 m")),
        ("application/json", b'{"id": 8, "result": {}}', None),
        ("application/json", b"<html>", None),
        ("application/json", b"[7]", None),
        ("text/event-stream", b'data: {"id": 7,\ndata: "result": {"c": 3}}\n\n', Reply({"c": 3}, "")),
        ("text/event-stream", b'event: x\r\ndata:{"id": 7, "result": {}}\r\n\r\n', Reply({}, "")),
        ("text/event-stream", b'data: {"id": 7, "result": {}}', Reply({}, "")),
        ("text/event-stream", b'id: 7\n\n: {"id": 7, "result": {}}\n\n', None),
        ("", b"", None),
    ],
)
def test_a_reply_is_found_in_every_form(media_type: str, body: bytes, reply: Reply | None) -> None:
    assert reply_to(7, media_type, body) == reply
