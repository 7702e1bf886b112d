"""Operations that follow from declared checks, for services without a document or with one that lacks them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote

from sophia_cli.checks.openapi.model import JSON, Body, Operation, Parameter, Place
from sophia_cli.project.settings.check_model import Check

_IDENTIFIER = re.compile(r"\d+|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_FILE = re.compile(r"[^/{}]+\.[A-Za-z0-9]{1,5}")
_CAPTURED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def operations_of_checks(checks: Sequence[Check], known: Sequence[Operation]) -> tuple[Operation, ...]:
    """Return an operation for every request of a check that none of the known ones is, each once."""
    found: dict[str, Operation] = {}
    for check in checks:
        if check.mcp is not None:
            continue
        operation = _operation(check)
        if not any(one.method == operation.method and _is_same_path(one.path, operation.path) for one in known):
            found.setdefault(str(operation), operation)
    return tuple(found.values())


def _operation(check: Check) -> Operation:
    path, _, query = check.path.partition("?")
    parameters = [
        Parameter(name, Place.QUERY, True, {"type": "string"}, (value,)) for name, value in parse_qsl(query, True)
    ]
    head, _, last = path.rpartition("/")
    if _IDENTIFIER.fullmatch(last):
        kind = "integer" if last.isdigit() else "string"
        value: object = int(last) if last.isdigit() else last
        parameters.append(Parameter("id", Place.PATH, True, {"type": kind}, (value,)))
        path = f"{head}/{{id}}"
    elif _FILE.fullmatch(last):
        parameters.append(Parameter("file", Place.PATH, True, {"type": "string"}, (unquote(last),)))
        path = f"{head}/{{file}}"
    named = {parameter.name for parameter in parameters}
    for name in _CAPTURED.findall(path):
        if name not in named:
            parameters.append(Parameter(name, Place.PATH, True, {"type": "string"}))
    body = None
    if check.json_text is not None:
        value = json.loads(check.json_text)
        body = Body(JSON, _schema_of(value), required=True, examples=(value,))
    return Operation(check.method, path, check.name, tuple(parameters), body, ())


def _schema_of(value: object) -> object:
    """Return a schema that says as much as one example does, which requires nothing."""
    if isinstance(value, dict):
        return {"type": "object", "properties": {key: _schema_of(inner) for key, inner in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": _schema_of(value[0]) if value else {}}
    kinds = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"))
    kind = next((name for type_, name in kinds if isinstance(value, type_)), "null")
    return {"type": kind, "example": value}


def _is_same_path(template: str, path: str) -> bool:
    pattern = "".join(
        "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", template)
    )
    return re.fullmatch(pattern, path) is not None
