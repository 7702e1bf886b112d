"""Values that fit a schema: what the document gives, else something plain; pure and always the same."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from sophia_cli.checks.openapi.model import OpenApi

_DEEPEST = 12
_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "P1D",
    "uuid": "3f0c8a52-5d1c-4b7e-9a64-6c1d2e3f4a5b",
    "email": "sophia@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "c29waGlh",
    "binary": "sophia",
}
TEXTS = (
    "sophia",
    "zzz 000 nothing works, terrible service, refund everything at once",
    "The quick brown fox jumps over the lazy dog and is delighted by it",
)
_TRIES = (
    "a",
    "A",
    "1",
    "abc",
    "ABC",
    "123",
    "a1",
    "A1",
    "0001",
    "sophia",
    "SKU-1",
    "ABC-123",
    "2026-01-02",
    "+12025550123",
)


class NoSample(Exception):
    """No value can be made up for a schema; the text says for what."""


def sample(schema: object, document: OpenApi, variant: int = 0) -> object:
    """Return a value that fits a schema; other variants (1, 2) are clearly different ones where the schema lets them.

    Variant 0 takes what the document gives. NoSample for a text with a pattern that none of a few texts matches, and
    for a schema that needs itself.
    """
    return _sample(schema, document, variant, 0)


def sample_or_given(schema: object, given: tuple[object, ...], document: OpenApi, variant: int = 0) -> object:
    """Return the first value that the document gives, for variant 0, else a sample."""
    return given[0] if given and variant == 0 else sample(schema, document, variant)


def _sample(schema: object, document: OpenApi, variant: int, depth: int) -> object:
    if depth > _DEEPEST:
        raise NoSample("a value that contains itself")
    found = merged(schema, document)
    given = _given(found)
    if "const" in found:
        return found["const"]
    options = found.get("enum")
    if isinstance(options, list) and options:
        return options[variant % len(options)]
    if given and variant == 0:
        return given[0]
    match type_of(found):
        case "object":
            return _object(found, document, variant, depth)
        case "array":
            return _array(found, document, variant, depth)
        case "integer":
            return int(_number(found, variant, 1))
        case "number":
            return _number(found, variant, 0)
        case "boolean":
            return variant % 2 == 0
        case "null":
            return None
    return _text(found, variant)


def merged(schema: object, document: OpenApi, depth: int = 0) -> Mapping[str, object]:
    """Return a schema without references at its top: parts of `allOf` together, the first real choice of the others."""
    if depth > _DEEPEST:
        return {}
    found: dict[str, object] = dict(document.resolved(schema))
    for _ in range(_DEEPEST):
        parts = found.pop("allOf", None)
        if isinstance(parts, list):
            for part in parts:
                inner = merged(part, document, depth + 1)
                for key, value in inner.items():
                    before = found.get(key)
                    if key == "properties" and isinstance(before, dict) and isinstance(value, dict):
                        found[key] = {**before, **value}
                    elif key == "required" and isinstance(before, list) and isinstance(value, list):
                        found[key] = [*before, *value]
                    else:
                        found.setdefault(key, value)
            continue
        choices = found.pop("anyOf", None) or found.pop("oneOf", None)
        if not isinstance(choices, list):
            return found
        real = [inner for choice in choices if (inner := document.resolved(choice)).get("type") != "null"]
        found = {**(real[0] if real else {}), **found}
    return found


def type_of(schema: Mapping[str, object]) -> str:
    """Return the type of a schema, the first real one of several; what it follows from where none is given."""
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((str(one) for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def properties_of(schema: Mapping[str, object]) -> Mapping[str, object]:
    """Return the schemas of an object's members by name."""
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def required_of(schema: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names of the members that an object must have."""
    required = schema.get("required")
    return tuple(name for name in required if isinstance(name, str)) if isinstance(required, list) else ()


def _given(schema: Mapping[str, object]) -> list[object]:
    found = [schema["example"]] if "example" in schema else []
    examples = schema.get("examples")
    found += examples if isinstance(examples, list) else []
    return found + ([schema["default"]] if schema.get("default") is not None else [])


def _object(schema: Mapping[str, object], document: OpenApi, variant: int, depth: int) -> object:
    properties = properties_of(schema)
    required = required_of(schema)
    # A document that requires nothing often just does not say so: then everything is given.
    names = required or tuple(name for name in properties if depth < 3)
    return {name: _sample(properties.get(name, {}), document, variant, depth + 1) for name in names}


def _array(schema: Mapping[str, object], document: OpenApi, variant: int, depth: int) -> object:
    least = schema.get("minItems")
    count = max(1, least if isinstance(least, int) else 1)
    return [_sample(schema.get("items", {}), document, variant, depth + 1) for _ in range(min(count, 100))]


def _number(schema: Mapping[str, object], variant: int, step: int) -> float:
    low, high = _bound(schema, "minimum", "exclusiveMinimum", 1), _bound(schema, "maximum", "exclusiveMaximum", -1)
    if low is None and high is None:
        value: float = (1, 7, 90)[variant]
    elif high is None:
        assert low is not None  # one of the two is there
        value = low + (0, 7, 90)[variant]
    elif low is None:
        value = high - (0, 7, 90)[variant]
    else:
        value = (low, (low + high) / 2, high)[variant]
    unit = schema.get("multipleOf")
    if isinstance(unit, int | float) and unit > 0:
        value = -(-value // unit) * unit
    return float(round(value)) if step else value


def _bound(schema: Mapping[str, object], key: str, strict: str, direction: int) -> float | None:
    value, open_value = schema.get(key), schema.get(strict)
    if isinstance(open_value, int | float) and not isinstance(open_value, bool):
        return open_value + direction
    return value if isinstance(value, int | float) else None


def _text(schema: Mapping[str, object], variant: int) -> str:
    known = _FORMATS.get(str(schema.get("format", "")))
    if known is not None:
        return known
    least, most = schema.get("minLength"), schema.get("maxLength")
    text = TEXTS[variant]
    if isinstance(least, int):
        text = (text * (1 + least // len(text))) if least > len(text) else text
    if isinstance(most, int):
        text = text[:most]
    pattern = schema.get("pattern")
    if not isinstance(pattern, str):
        return text
    for candidate in (text, *_TRIES):
        try:
            if re.search(pattern, candidate):
                return candidate
        except re.error as error:
            raise NoSample(f"a text of the pattern {json.dumps(pattern)}") from error
    raise NoSample(f"a text of the pattern {json.dumps(pattern)}")
