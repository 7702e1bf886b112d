"""Checks that the settings declare: one request or MCP call each, and what is expected of its answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sophia_cli.checks.answer import Answer
from sophia_cli.checks.asking import Asking, NotJson, described, json_of
from sophia_cli.checks.declared_mcp import run_mcp_check
from sophia_cli.checks.expectations import unmet, unmet_by
from sophia_cli.checks.http_client import ExchangeFailed, HttpRequest
from sophia_cli.checks.mcp import McpFailed
from sophia_cli.checks.planned import Outcome, PlannedCheck, failed, passed
from sophia_cli.checks.schemas import BadSchema, violation
from sophia_cli.checks.templates import fill_json, fill_path, fill_text, names_in
from sophia_cli.core.checks import CheckKind
from sophia_cli.project.settings.check_model import Check, SchemaSource
from sophia_cli.project.settings.json_path import parse_json_path, values_at

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.5


def plan_declared(checks: Sequence[Check], asking: Asking, root: Path) -> list[PlannedCheck]:
    """Return the declared checks in their order, which is the one in which values are captured and used."""
    captured = frozenset(capture.name for check in checks for capture in check.captures)

    def planned(check: Check) -> PlannedCheck:
        async def run() -> Outcome:
            return await run_declared(check, asking, root, captured)

        return PlannedCheck(check.name, CheckKind.DECLARED, run)

    return [planned(check) for check in checks]


async def run_declared(check: Check, asking: Asking, root: Path, captured: frozenset[str]) -> Outcome:
    """Run a check, again and again for as long as `retry_for` says; `captured` are the names that checks capture."""
    missing = sorted(_used(check, captured | asking.secret_names) - asking.values.keys())
    if missing:
        reason = "the check that captures it has not passed" if missing[0] in captured else "no place has this secret"
        return failed(f"`{{{missing[0]}}}` has no value: {reason}")
    give_up = time.monotonic() + check.retry_for_s
    pause_s = _FIRST_PAUSE_S
    attempts = 0
    while True:
        attempts += 1
        outcome = await _run_once(check, asking, root)
        if outcome.passed or time.monotonic() + pause_s > give_up:
            break
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    return outcome if attempts == 1 else Outcome(outcome.passed, f"{outcome.message}, after {attempts} attempts")


async def _run_once(check: Check, asking: Asking, root: Path) -> Outcome:
    try:
        if check.mcp is not None:
            content, outcome = await run_mcp_check(check, check.mcp, asking)
            return outcome if not outcome.passed else _judge_content(check, content, asking, root, outcome.message)
        answer = await asking.send(request_of(check, asking.values))
    except ExchangeFailed as error:
        return failed(error.detail)
    except McpFailed as error:
        return failed(str(error))
    return _judge(check, answer, asking, root)


def request_of(check: Check, variables: Mapping[str, object]) -> HttpRequest:
    """Return the request of a check, with captured values in it."""
    headers = tuple((name, fill_text(value, variables)) for name, value in check.headers)
    body = b""
    if check.json_text is not None:
        body = json.dumps(fill_json(json.loads(check.json_text), variables), ensure_ascii=False).encode()
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers += (("Content-Type", "application/json"),)
    elif check.body is not None:
        body = fill_text(check.body, variables).encode()
    return HttpRequest(check.method, fill_path(check.path, variables), headers, body)


def _used(check: Check, captured: frozenset[str]) -> frozenset[str]:
    arguments = check.mcp.arguments_json if check.mcp is not None else ""
    texts = (check.path, check.json_text or "", check.body or "", arguments, *(value for _, value in check.headers))
    return frozenset().union(*(names_in(text, captured) for text in texts))


def _judge(check: Check, answer: Answer, asking: Asking, root: Path) -> Outcome:
    if not any(allowed.low <= answer.status <= allowed.high for allowed in check.statuses):
        expected = " or ".join(str(allowed) for allowed in check.statuses)
        return failed(f"{described(answer)}, expected {expected}")
    slow = _slow(check, answer.duration_s)
    if slow is not None:
        return failed(slow)
    for expectation in check.expect_headers:
        value = answer.header(expectation.place)
        wrong = unmet_by(expectation, [] if value is None else [value])
        if wrong is not None:
            return failed(f"header {wrong}")
    needs_body = check.expect or check.schema is not None or check.captures
    if not needs_body:
        return passed(described(answer))
    try:
        content = json_of(answer)
    except NotJson as error:
        return failed(f"{described(answer)}, but the body cannot be judged: {error}")
    return _judge_content(check, content, asking, root, described(answer))


def _judge_content(check: Check, content: object, asking: Asking, root: Path, seen: str) -> Outcome:
    for expectation in check.expect:
        wrong = unmet(expectation, content)
        if wrong is not None:
            return failed(wrong)
    if check.schema is not None:
        wrong = _unfit(check.schema, content, root)
        if wrong is not None:
            return failed(wrong)
    for capture in check.captures:
        values = values_at(content, parse_json_path(capture.place) or ())
        if not values:
            return failed(f"`{capture.place}` does not exist, so `{capture.name}` cannot be captured")
        asking.variables[capture.name] = values[0]
    return passed(seen)


def _slow(check: Check, duration_s: float) -> str | None:
    took_ms = duration_s * 1000
    if check.max_ms is None or took_ms <= check.max_ms:
        return None
    return f"the answer took {took_ms:.1f} ms, at most {check.max_ms:g} are allowed"


def _unfit(source: SchemaSource, content: object, root: Path) -> str | None:
    text = source.text or "{}"
    if source.file is not None:
        try:
            text = (root / source.file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            return f"the schema `{source.file}` cannot be read: {error}"
    try:
        found = violation(content, json.loads(text))
    except BadSchema as error:
        return f"the schema cannot be used: {error}"
    except ValueError as error:
        return f"the schema `{source.file}` is no JSON: {error}"
    return None if found is None else f"the answer does not fit the schema: {found}"
