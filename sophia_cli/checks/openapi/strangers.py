"""Identifiers and states that do not exist: they are refused, not accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from sophia_cli.checks.answer import Answer
from sophia_cli.checks.openapi.harvest import is_identifier
from sophia_cli.checks.openapi.model import Operation, Parameter, Place
from sophia_cli.checks.openapi.requests import Filled, request_for
from sophia_cli.checks.openapi.samples import merged, properties_of, type_of
from sophia_cli.checks.openapi.trials import Subject, Trial

_STRANGER = "sophia-no-such-thing-5d1c"
_STRANGE_UUID = "5d1c8a00-0000-4000-8000-00005d1c8a00"
_STRANGE_NUMBER = 2_000_000_011
_STATE = re.compile(r"(?:^|_)(?:status|state|phase|stage)$")
_ADDRESS = re.compile(r"city|zip|postal|postcode|street|country|address")


def identifiers_of(operation: Operation) -> tuple[Parameter, ...]:
    """Return the path parameters that name one thing."""
    return tuple(one for one in operation.in_place(Place.PATH) if is_identifier(one.name))


def unknown_ids(filled: Filled, subject: Subject) -> Sequence[Trial]:
    """Return trials with an identifier that nothing has, one for each that the path takes."""
    trials = []
    for parameter in identifiers_of(filled.operation):
        value = _stranger(merged(parameter.schema, subject.document))
        request = request_for(filled.with_path(parameter.name, value), subject.document)
        trials.append(Trial(f"unknown `{parameter.name}` {value}", request, must_refuse=True))
    return trials


def refuses_stranger(operation: Operation, answer: Answer) -> bool:
    """Tell whether an answer to an unknown identifier is right.

    It is 4xx, a redirect, what PUT and DELETE may do without one, or, for what stands below it, that there is nothing.
    """
    if answer.status >= 400 or 300 <= answer.status < 400:
        return True
    if not operation.path.endswith("}") and _is_empty_list(answer.body):
        return True
    # PUT may create what it names (RFC 9110, 9.3.4); DELETE may find it gone already and has nothing to say then.
    return operation.method == "PUT" or (operation.method == "DELETE" and answer.status == 204)


def _is_empty_list(body: bytes) -> bool:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return False
    lists = [value for value in content.values() if isinstance(value, list)] if isinstance(content, dict) else [content]
    return bool(lists) and all(value == [] for value in lists)


def invalid_values(filled: Filled, subject: Subject) -> Sequence[Trial]:
    """Return trials with a value that an enumeration or a bound excludes, or with a state that nothing can be in."""
    document, operation = subject.document, filled.operation
    is_read = operation.method in ("GET", "HEAD")
    trials: list[Trial] = []
    for parameter in operation.parameters:
        value = _invalid(parameter.name, merged(parameter.schema, document), (), needs_limits=is_read)
        if value is not None and parameter.place in (Place.QUERY, Place.PATH) and not is_identifier(parameter.name):
            is_in_path = parameter.place is Place.PATH
            changed = (filled.with_path if is_in_path else filled.with_query)(parameter.name, value)
            trials.append(Trial(f"`{parameter.name}` = {value!r}", request_for(changed, document), must_refuse=True))
    body = operation.body
    if body is None or is_read or not isinstance(filled.body, dict):
        return trials
    properties = properties_of(merged(body.schema, document))
    for name in dict.fromkeys((*properties, *filled.body)):
        value = _invalid(name, merged(properties.get(name, {}), document), tuple(filled.body), needs_limits=False)
        if value is not None:
            request = request_for(filled.with_body({**filled.body, name: value}), document)
            trials.append(Trial(f"`{name}` = {value!r}", request, must_refuse=True))
    return trials


def _stranger(schema: Mapping[str, object]) -> str | int:
    if type_of(schema) in ("integer", "number"):
        most = schema.get("maximum")
        return int(most) if isinstance(most, int | float) else _STRANGE_NUMBER
    return _STRANGE_UUID if schema.get("format") == "uuid" else _STRANGER


def _invalid(
    name: str, schema: Mapping[str, object], siblings: tuple[str, ...], *, needs_limits: bool
) -> str | float | None:
    """Return a value that a field cannot have, None when nothing says what it can have.

    With `needs_limits` only the document may say so: a list that is filtered by an unknown state may well be empty.
    """
    options, least = schema.get("enum"), schema.get("minimum")
    if isinstance(options, list) and options:
        return _STRANGE_NUMBER if all(isinstance(option, int) for option in options) else _STRANGER
    if isinstance(least, int | float) and type_of(schema) in ("integer", "number"):
        return least - 1
    if needs_limits or type_of(schema) != "string" or "format" in schema or not _STATE.search(name.lower()):
        return None
    # The state of an address is a region, and any text may be one.
    is_region = any(_ADDRESS.search(sibling.lower()) for sibling in siblings)
    return None if is_region else _STRANGER
