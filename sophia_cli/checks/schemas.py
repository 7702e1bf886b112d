"""Whether a JSON value fits a JSON schema. No reference is ever fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SHOWN = 160
_ROOT = "urn:sophia:document"


class BadSchema(Exception):
    """A schema that cannot be used; the text says why."""


def violation(value: object, schema: object, document: Mapping[str, object] | None = None) -> str | None:
    """Return where a value does not fit and why, None when it fits.

    References are looked up in `document`, or in the schema itself. BadSchema for a schema that is none, or that points
    to something that is not there.
    """
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the library ships no types
    from jsonschema.exceptions import (  # type: ignore[import-untyped]  # the library ships no types
        SchemaError,
        UnknownType,
        best_match,
    )
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    if not isinstance(schema, dict | bool):
        raise BadSchema("it is neither an object nor true or false")
    registry: Registry[object] = Registry()
    if document is not None:
        registry = registry.with_resource(_ROOT, DRAFT202012.create_resource(document))
        schema = _absolute(schema)
    try:
        found = best_match(Draft202012Validator(schema, registry=registry).iter_errors(value))
    except (SchemaError, UnknownType, Unresolvable, re.error, RecursionError, TypeError, AttributeError) as error:
        raise BadSchema(_reason(error)) from error
    if found is None:
        return None
    message = " ".join(str(found.message).split())
    return f"{found.json_path}: {message if len(message) <= _SHOWN else message[: _SHOWN - 3] + '...'}"


def schema_mistake(schema: object) -> str | None:
    """Return what is wrong with a schema (JSON Schema 2020-12), None when it is one."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    if not isinstance(schema, dict | bool):
        return "it is neither an object nor true or false"
    try:
        found = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
    except (RecursionError, re.error) as error:
        return _reason(error)
    return None if found is None else f"{found.json_path}: {' '.join(str(found.message).split())[:_SHOWN]}"


def _absolute(schema: object) -> object:
    """Return a schema whose references into its own document name that document."""
    if isinstance(schema, dict):
        return {
            key: f"{_ROOT}{value}"
            if key == "$ref" and isinstance(value, str) and value.startswith("#")
            else _absolute(value)
            for key, value in schema.items()
        }
    return [_absolute(item) for item in schema] if isinstance(schema, list) else schema


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it refers to itself without end"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:_SHOWN]}"
