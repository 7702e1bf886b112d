"""From `[[services.NAME.checks]]` to functional checks."""

from __future__ import annotations

import json
import re

from sophia_cli.core.errors import UsageError
from sophia_cli.core.patterns import late_pattern
from sophia_cli.project.settings.check_model import (
    Capture,
    Check,
    Expectation,
    JsonType,
    McpCall,
    Operator,
    SchemaSource,
    StatusRange,
)
from sophia_cli.project.settings.json_path import parse_json_path
from sophia_cli.project.settings.keys import Section
from sophia_cli.project.settings.reader import Table, value_or

_REQUEST = late_pattern(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/\S*)")
_CLASS = late_pattern(r"([1-5])xx", re.IGNORECASE)
_CAPTURE = late_pattern(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = late_pattern(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_USUAL_STATUS = (StatusRange(200, 200),)
_OF_REQUEST = ("json", "body", "status", "headers", "expect_headers")
_OF_MCP = ("tool", "arguments")


def read_check(table: Table) -> Check:
    """Return a check; UsageError with the line for the first thing that cannot be."""
    table.check_keys(Section.CHECK)
    name, request, endpoint = table.text("name"), table.text("request"), table.text("mcp")
    if name is None:
        raise _missing(table, "a check needs a `name`")
    if (request is None) is (endpoint is None):
        if request is not None:
            raise table.wrong("mcp", "a check has either a `request` or an `mcp` endpoint")
        raise _missing(table, "a check needs a `request` (or an `mcp` endpoint)")
    _check_belonging(table, _OF_MCP if endpoint is None else _OF_REQUEST, endpoint is None)
    method, path, call = _request(table, request) if request is not None else _mcp(table, endpoint or "")
    json_text, body = _json(table, "json"), table.text("body")
    if json_text is not None and body is not None:
        raise table.wrong("body", "a check sends either `json` or `body`")
    gate = table.boolean("gate")
    reads = method == "GET" or (call is not None and call.tool is None)
    return Check(
        name=name,
        method=method,
        path=path,
        json_text=json_text,
        statuses=_statuses(table),
        gate=reads if gate is None else gate,
        body=body,
        headers=_headers(table.table("headers")),
        expect_headers=_expectations(table.table("expect_headers"), of_headers=True),
        expect=_expectations(table.table("expect"), of_headers=False),
        schema=_schema(table),
        max_ms=_max_ms(table),
        captures=_captures(table.table("capture")),
        retry_for_s=value_or(table.duration("retry_for"), 0.0),
        mcp=call,
    )


def read_open_api(service: Table) -> str | None:
    """Return where the service's OpenAPI document is: a path of the service, or a file inside the project."""
    value = service.text("openapi")
    return value if value is None or value.startswith("/") else service.inner_path("openapi")


def _missing(table: Table, message: str) -> UsageError:
    return table.mistake((), message, "settings-wrong-value", "docs/settings.md lists every key", of_key=True)


def _check_belonging(table: Table, foreign: tuple[str, ...], is_request: bool) -> None:
    for key in foreign:
        if table.has(key):
            kind, other = ("a `request`", "`mcp`") if is_request else ("`mcp`", "a `request`")
            raise table.wrong(key, f"`{key}` belongs to a check with {other}, and this one has {kind}")


def _request(table: Table, request: str) -> tuple[str, str, None]:
    match = _REQUEST.fullmatch(request)
    if match is None:
        raise table.wrong("request", f"`request` must look like `GET /path`, not `{request}`")
    return match.group(1), match.group(2), None


def _mcp(table: Table, endpoint: str) -> tuple[str, str, McpCall]:
    if not re.fullmatch(r"/\S*", endpoint):
        raise table.wrong("mcp", f"`mcp` must be a path such as `/mcp`, not `{endpoint}`")
    tool = table.text("tool")
    table.table("arguments")  # says what is wrong when it is no table
    if tool is None:
        for key in ("arguments", "expect", "schema", "capture"):
            if table.has(key):
                raise table.wrong(key, f"`{key}` is about the answer of a `tool`, and none is named")
    return "POST", endpoint, McpCall(tool, _json(table, "arguments") or "{}")


def _json(table: Table, key: str) -> str | None:
    if not table.has(key):
        return None
    try:
        return json.dumps(table.values[key], ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise table.wrong(key, f"`{key}` cannot be sent as JSON: {error}") from error


def _statuses(table: Table) -> tuple[StatusRange, ...]:
    if not table.has("status"):
        return _USUAL_STATUS
    value = table.values["status"]
    if not isinstance(value, list):
        return (_status(table, value, None),)
    if not value:
        raise table.wrong("status", "`status` is empty")
    return tuple(_status(table, item, position) for position, item in enumerate(value))


def _status(table: Table, value: object, position: int | None) -> StatusRange:
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return StatusRange(value, value)
    match = _CLASS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        message = 'a status is an integer between 100 and 599 or a class such as "2xx"'
        raise table.wrong("status", f"{message}, not `{value}`", position)
    first = 100 * int(match.group(1))
    return StatusRange(first, first + 99)


def _headers(table: Table) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for name in table.names():
        value = table.text(name) or ""
        if not _HEADER.fullmatch(name):
            raise table.wrong(name, f"`{name}` cannot be the name of a header")
        if not value.isprintable() or not all(ord(character) < 256 for character in value):
            raise table.wrong(name, f"the value of `{name}` cannot be sent in a header")
        pairs.append((name, value))
    return tuple(pairs)


def _expectations(table: Table, *, of_headers: bool) -> tuple[Expectation, ...]:
    found: list[Expectation] = []
    for place in table.names():
        if not of_headers and parse_json_path(place) is None:
            message = f"`{place}` is no JSON path; write it like `$.items[0].id`"
            raise table.mistake((place,), message, "settings-wrong-value", "docs/verify.md shows paths", of_key=True)
        if isinstance(table.values[place], dict):
            inner = table.table(place)
            inner.check_keys(Section.EXPECT)
            found += [_expectation(inner, place, Operator(key)) for key in inner.names()]
            if not inner.names():
                raise table.wrong(place, f"nothing is expected of `{place}`; name one of the operators")
        else:
            found.append(Expectation(place, Operator.EQUALS, _json(table, place) or "null"))
    return tuple(found)


def _expectation(table: Table, place: str, operator: Operator) -> Expectation:
    key = operator.value
    match operator:
        case Operator.EXISTS:
            table.boolean(key)
        case Operator.TYPE:
            table.choice(key, JsonType, JsonType.NULL)
        case Operator.MATCHES:
            _check_pattern(table, key)
        case Operator.LENGTH:
            table.integer(key, 0, 2**31)
        case Operator.MIN | Operator.MAX:
            value = table.values[key]
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise table.wrong(key, f"`{key}` must be a number")
        case Operator.EQUALS:
            pass
    return Expectation(place, operator, _json(table, key) or "null")


def _check_pattern(table: Table, key: str) -> None:
    pattern = table.text(key)
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise table.wrong(key, f"`{pattern}` is no regular expression: {error}") from error


def _schema(table: Table) -> SchemaSource | None:
    if not table.has("schema"):
        return None
    if isinstance(table.values["schema"], dict):
        return SchemaSource(None, _json(table, "schema"))
    return SchemaSource(table.inner_path("schema"), None)


def _max_ms(table: Table) -> float | None:
    value = table.number("max_ms")
    if value == 0:
        raise table.wrong("max_ms", "`max_ms` must be above 0")
    return value


def _captures(table: Table) -> tuple[Capture, ...]:
    found: list[Capture] = []
    for name in table.names():
        place = table.text(name) or ""
        if not _CAPTURE.fullmatch(name):
            raise table.wrong(name, f"`{name}` cannot be the name of a captured value: letters, digits and `_`")
        if parse_json_path(place) is None:
            raise table.wrong(name, f"`{place}` is no JSON path; write it like `$.id`")
        found.append(Capture(name, place))
    return tuple(found)
