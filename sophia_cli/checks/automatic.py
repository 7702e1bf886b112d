"""Checks that need no setting: an unknown path, cross-origin rules, what calls itself MCP. They change nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from sophia_cli.checks.asking import Asking, described
from sophia_cli.checks.declared_mcp import UNKNOWN_METHOD, tools_mistake
from sophia_cli.checks.http_client import ExchangeFailed, HttpRequest
from sophia_cli.checks.mcp import McpFailed, McpServer, McpSession
from sophia_cli.checks.planned import Outcome, PlannedCheck, failed, passed
from sophia_cli.core.checks import CheckKind
from sophia_cli.core.values import dataclass

UNKNOWN_PATH = "/sophia-verify-no-such-path-5d1c"
_ORIGIN = "https://sophia-verify.invalid"
_NOT_FOUND = (401, 403, 404, 410)
_MCP_WORD = re.compile(r"(?<![a-z])mcp(?![a-z])")
_USUAL_MCP_PATHS = ("/mcp", "/mcp/", "/")
_EVENT_PATH = "/sse"


@dataclass(frozen=True, slots=True)
class McpClaims:
    """What makes one expect MCP: paths that are said to speak it, and who says so (None: nobody)."""

    paths: tuple[str, ...]
    claimed_by: str | None


def mcp_claims(names: Sequence[str], declared_paths: Sequence[str], open_api_paths: Sequence[str]) -> McpClaims:
    """Return where MCP may be spoken. `names` are the service's own, the path of its URL, the title of its document."""
    named = [name for name in names if _MCP_WORD.search(name.lower())]
    mentioned = [path for path in open_api_paths if _MCP_WORD.search(path.lower()) and "{" not in path]
    claimed_by = f"`{named[0]}`" if named else None
    if claimed_by is None and declared_paths:
        claimed_by = f"`{declared_paths[0]}` in the settings"
    return McpClaims(tuple(dict.fromkeys((*declared_paths, *_USUAL_MCP_PATHS[:1], *mentioned))), claimed_by)


def plan_automatic(asking: Asking, claims: McpClaims) -> list[PlannedCheck]:
    """Return the checks that hold for every service."""

    async def unknown_path() -> Outcome:
        return await _unknown_path(asking)

    async def origins() -> Outcome:
        return await _origins(asking)

    async def mcp() -> Outcome:
        return await _mcp(asking, claims)

    plan = [
        PlannedCheck("an unknown path answers 404", CheckKind.AUTOMATIC, unknown_path),
        PlannedCheck("no foreign origin may use credentials", CheckKind.SECURITY, origins),
    ]
    name = "MCP is spoken where it is claimed" if claims.claimed_by else "MCP, where it is spoken, is valid"
    return [*plan, PlannedCheck(name, CheckKind.AUTOMATIC, mcp)]


async def _unknown_path(asking: Asking) -> Outcome:
    answer = await asking.get(UNKNOWN_PATH)
    seen = described(answer)
    if answer.status in _NOT_FOUND:
        return passed(seen)
    if answer.status == 200 and answer.media_type == "text/html" and (await asking.get("/")).body == answer.body:
        return passed(f"{seen}: the page of an application that finds its paths itself")
    return failed(f"{seen}, expected 404")


async def _origins(asking: Asking) -> Outcome:
    preflight = (("Origin", _ORIGIN), ("Access-Control-Request-Method", "POST"))
    for request in (
        HttpRequest("GET", "/", (("Origin", _ORIGIN), ("Cookie", "sophia=1"))),
        HttpRequest("OPTIONS", "/", preflight),
    ):
        answer = await asking.send(request)
        allowed = answer.header("access-control-allow-origin")
        if (answer.header("access-control-allow-credentials") or "").lower() != "true":
            continue
        if allowed == "*":
            return failed("cross-origin rules allow `*` together with credentials, which no browser accepts")
        if allowed == _ORIGIN:
            return failed("cross-origin rules allow any origin with credentials: every web page may act as the user")
    return passed("a foreign origin is not allowed credentials")


async def _mcp(asking: Asking, claims: McpClaims) -> Outcome:
    seen: list[str] = []
    paths = claims.paths if claims.claimed_by is None else dict.fromkeys((*claims.paths, *_USUAL_MCP_PATHS))
    for path in paths:
        session = asking.mcp(path)
        try:
            server = await session.start()
        except (McpFailed, ExchangeFailed) as error:
            if isinstance(error, ExchangeFailed) and error.failure.is_of_connecting:
                raise
            seen.append(f"`{path}`: {error}")
            continue
        try:
            return await _judge(session, server, path)
        finally:
            await session.end()
    if claims.claimed_by is None:
        return passed("no MCP here")
    if await _has_event_transport(asking):
        return passed(f"the older event transport answers at `{_EVENT_PATH}`")
    return failed(f"{claims.claimed_by} promises MCP, but no endpoint speaks it ({seen[0]})")


async def _judge(session: McpSession, server: McpServer, path: str) -> Outcome:
    tools = await session.tools() if server.has_tools else ()
    wrong = tools_mistake(tools)
    if wrong is not None:
        return failed(wrong)
    reply = await session.call(UNKNOWN_METHOD, {})
    if reply.error_code is None:
        return failed(f"an unknown method answers a result: {json.dumps(reply.result)[:80]}")
    return passed(f"`{server.name}` at `{path}`: {len(tools)} tools with valid schemas")


async def _has_event_transport(asking: Asking) -> bool:
    try:
        answer = await asking.get(_EVENT_PATH, ("Accept", "text/event-stream"))
    except ExchangeFailed:
        return False
    return answer.status == 200 and answer.is_event_stream
