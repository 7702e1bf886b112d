"""Whether a tool of an MCP server reads files outside of what it serves."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from sophia_cli.checks.asking import Asking
from sophia_cli.checks.http_client import ExchangeFailed
from sophia_cli.checks.mcp import McpFailed, McpSession, McpTool
from sophia_cli.checks.openapi.model import OpenApi
from sophia_cli.checks.openapi.samples import NoSample, properties_of, sample, type_of
from sophia_cli.checks.openapi.traversal import NAMES, holds_system_file, is_file_like
from sophia_cli.checks.planned import CannotTell, Outcome, PlannedCheck, failed, passed
from sophia_cli.core.checks import CheckKind

_READS = re.compile(r"read|get|load|open|show|cat|view|fetch|file|document|content|resource", re.IGNORECASE)
_BARE = OpenApi("", "", ())


def plan_tool_files(asking: Asking, paths: Sequence[str]) -> PlannedCheck:
    """Return the check of the first path that speaks MCP; tools that do not sound like reading are not called."""

    async def run() -> Outcome:
        for path in paths:
            session = asking.mcp(path)
            try:
                server = await session.start()
            except (McpFailed, ExchangeFailed):
                continue
            try:
                return await _ask_all(session, await session.tools() if server.has_tools else ())
            finally:
                await session.end()
        raise CannotTell("no MCP here")

    return PlannedCheck("no MCP tool reads any file", CheckKind.WRITES, run)


async def _ask_all(session: McpSession, tools: Sequence[McpTool]) -> Outcome:
    asked = 0
    for tool in tools:
        schema = json.loads(tool.input_schema or "{}")
        if not _READS.search(tool.name) or not isinstance(schema, dict):
            continue
        names = [
            name
            for name, inner in properties_of(schema).items()
            if is_file_like(name) and isinstance(inner, dict) and type_of(inner) == "string"
        ]
        try:
            usual = sample({**schema, "examples": []}, _BARE)
        except NoSample:
            continue
        for name in names:
            for value in NAMES:
                asked += 1
                arguments = {**(usual if isinstance(usual, dict) else {}), name: value}
                reply = await session.call("tools/call", {"name": tool.name, "arguments": arguments})
                if reply.result is not None and holds_system_file(reply.result.encode()):
                    return failed(f"tool `{tool.name}` reads any file: `/etc/passwd` came back (root:[redacted]:0:0:)")
    if not asked:
        raise CannotTell("no tool looks as if it reads files")
    return passed(f"{asked} calls read nothing")
