"""What is expected of an MCP server: handshake, tools with valid schemas, structured content, the error contract."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sophia_cli.checks.asking import Asking
from sophia_cli.checks.mcp import METHOD_NOT_FOUND, McpFailed, McpReply, McpSession, McpTool
from sophia_cli.checks.planned import Outcome, failed, passed
from sophia_cli.checks.schemas import BadSchema, schema_mistake, violation
from sophia_cli.checks.templates import fill_json, fill_path
from sophia_cli.project.settings.check_model import Check, McpCall

UNKNOWN_METHOD = "sophia/no-such-method"
_SHOWN = 160


async def run_mcp_check(check: Check, call: McpCall, asking: Asking) -> tuple[object, Outcome]:
    """Run an MCP check; return the content of the tool's answer (None without a tool) and how it went so far.

    McpFailed and ExchangeFailed for what is no MCP.
    """
    session = asking.mcp(fill_path(check.path, asking.values))
    try:
        server = await session.start()
        tools = await session.tools() if server.has_tools else ()
        wrong = tools_mistake(tools)
        if wrong is not None:
            return None, failed(wrong)
        if call.tool is None:
            return None, await _error_contract(session, f"`{server.name}` with {_counted(tools)}")
        arguments = fill_json(json.loads(call.arguments_json), asking.values)
        return await _call(session, call.tool, arguments, tools, check)
    finally:
        await session.end()


def tools_mistake(tools: Sequence[McpTool]) -> str | None:
    """Return what is wrong with the tools that a server lists, None when nothing is."""
    names = [tool.name for tool in tools]
    for tool in tools:
        if names.count(tool.name) > 1:
            return f"there are several tools of the name `{tool.name}`"
        if not tool.input_schema:
            return f"tool `{tool.name}` has no `inputSchema`"
        for kind, text in (("inputSchema", tool.input_schema), ("outputSchema", tool.output_schema)):
            if not text:
                continue
            schema = json.loads(text)
            wrong = schema_mistake(schema)
            if wrong is None and (not isinstance(schema, dict) or schema.get("type") != "object"):
                wrong = 'its `type` is not "object"'
            if wrong is not None:
                return f"the {kind} of tool `{tool.name}` is not valid: {wrong}"
    return None


def _counted(tools: Sequence[McpTool]) -> str:
    return "1 tool" if len(tools) == 1 else f"{len(tools)} tools"


async def _error_contract(session: McpSession, seen: str) -> Outcome:
    reply = await session.call(UNKNOWN_METHOD, {})
    if reply.error_code == METHOD_NOT_FOUND:
        return passed(f"{seen}; an unknown method answers {METHOD_NOT_FOUND}")
    what = "a result" if reply.error_code is None else f"error {reply.error_code}"
    return failed(f"an unknown method answers {what}, expected error {METHOD_NOT_FOUND}")


async def _call(
    session: McpSession, name: str, arguments: object, tools: Sequence[McpTool], check: Check
) -> tuple[object, Outcome]:
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is None:
        known = ", ".join(tool.name for tool in tools[:10]) or "none"
        return None, failed(f"there is no tool `{name}`; there are: {known}")
    reply = await session.call("tools/call", {"name": name, "arguments": arguments})
    took_ms = reply.duration_s * 1000
    if reply.result is not None and check.max_ms is not None and took_ms > check.max_ms:
        return None, failed(f"the answer took {took_ms:.1f} ms, at most {check.max_ms:g} are allowed")
    return _content(reply, tool, check)


def _content(reply: McpReply, tool: McpTool, check: Check) -> tuple[object, Outcome]:
    if reply.result is None:
        return None, failed(f"tool `{tool.name}` answers with error {reply.error_code}: {reply.error_message[:_SHOWN]}")
    result = json.loads(reply.result)
    if not isinstance(result, dict) or not isinstance(result.get("content"), list):
        raise McpFailed(f"the answer of tool `{tool.name}` has no list of `content`")
    if result.get("isError"):
        return None, failed(f"tool `{tool.name}` says that it failed: {_text(result['content'])[:_SHOWN]}")
    content = result.get("structuredContent")
    if content is None and tool.output_schema:
        return None, failed(f"tool `{tool.name}` declares an outputSchema, but its answer has no structuredContent")
    if content is None and (check.expect or check.captures or check.schema is not None):
        try:
            content = json.loads(_text(result["content"]))
        except (ValueError, RecursionError):
            return None, failed(f"the answer of tool `{tool.name}` has no structuredContent, and its text is no JSON")
    if tool.output_schema:
        try:
            wrong = violation(content, json.loads(tool.output_schema))
        except BadSchema as error:
            return None, failed(f"the outputSchema of tool `{tool.name}` cannot be used: {error}")
        if wrong is not None:
            return None, failed(f"the answer of tool `{tool.name}` does not fit its outputSchema: {wrong}")
    return content, passed(f"tool `{tool.name}` answers")


def _text(content: list[object]) -> str:
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))
