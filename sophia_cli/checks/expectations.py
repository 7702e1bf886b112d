"""Whether the values of an answer are what a check expects; pure."""

from __future__ import annotations

import json
import re
from typing import assert_never

from sophia_cli.project.settings.check_model import Expectation, JsonType, Operator
from sophia_cli.project.settings.json_path import parse_json_path, values_at

_SHOWN = 80


def unmet(expectation: Expectation, document: object) -> str | None:
    """Return what is wrong with a document, None when it is as expected; several values must all be."""
    values = values_at(document, parse_json_path(expectation.place) or ())
    return unmet_by(expectation, values)


def unmet_by(expectation: Expectation, values: list[object]) -> str | None:
    """Return what is wrong with the values at the place of an expectation, None when they are as expected."""
    operand: object = json.loads(expectation.operand_json)
    place = f"`{expectation.place}`"
    if expectation.operator is Operator.EXISTS:
        if operand is bool(values):
            return None
        return f"{place} does not exist" if operand else f"{place} exists: {text_of(values[0])}"
    if not values:
        return f"{place} does not exist"
    for value in values:
        wrong = _wrong(expectation.operator, operand, value)
        if wrong is not None:
            return f"{place} is {text_of(value)}, expected {wrong}"
    return None


def text_of(value: object) -> str:
    """Return a value as short JSON."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def equal(left: object, right: object) -> bool:
    """Tell whether two JSON values are equal: 1 and 1.0 are, true and 1 are not."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    return left == right


def _wrong(operator: Operator, operand: object, value: object) -> str | None:
    """Return what was expected instead of a value, None when it is right."""
    is_right = False
    match operator:
        case Operator.EQUALS:
            is_right = equal(value, operand)
            return None if is_right else text_of(operand)
        case Operator.TYPE:
            return None if has_type(value, JsonType(operand)) else f"a value of type {operand}"
        case Operator.MATCHES:
            is_right = isinstance(value, str) and re.search(str(operand), value) is not None
            return None if is_right else f"a text that matches `{operand}`"
        case Operator.MIN:
            is_right = _is_number(value) and value >= operand  # type: ignore[operator]  # both are numbers
            return None if is_right else f"at least {text_of(operand)}"
        case Operator.MAX:
            is_right = _is_number(value) and value <= operand  # type: ignore[operator]  # both are numbers
            return None if is_right else f"at most {text_of(operand)}"
        case Operator.LENGTH:
            is_right = isinstance(value, list | dict | str) and len(value) == operand
            return None if is_right else f"something of length {operand}"
        case Operator.EXISTS:
            return None
        case _:
            assert_never(operator)


def has_type(value: object, kind: JsonType) -> bool:
    """Tell whether a JSON value has a type."""
    match kind:
        case JsonType.STRING:
            return isinstance(value, str)
        case JsonType.INTEGER:
            return _is_number(value) and float(value).is_integer()  # type: ignore[arg-type]  # it is a number
        case JsonType.NUMBER:
            return _is_number(value)
        case JsonType.BOOLEAN:
            return isinstance(value, bool)
        case JsonType.ARRAY:
            return isinstance(value, list)
        case JsonType.OBJECT:
            return isinstance(value, dict)
        case JsonType.NULL:
            return value is None
        case _:
            assert_never(kind)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
