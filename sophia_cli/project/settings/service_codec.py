"""Services as JSON values and back: what a release remembers of the settings it was made with.

The dataclasses of the settings are the only description of the format. A field is written under its name; one that a
record lacks has its default, one that nobody knows is passed over: records of older and newer versions stay readable.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import TypeAlias, TypeVar

from sophia_cli.project.settings.service_model import Service

Values: TypeAlias = "bool | int | float | str | list[Values] | dict[str, Values] | None"
Value = TypeVar("Value")

FORMAT = 1
_FORMAT_KEY = "format"


class UnreadableValues(ValueError):
    """Values that are no record of the wanted type; the text says which field and why."""


def service_to_values(service: Service) -> dict[str, Values]:
    """Return a service as JSON values; `service_from_values` gives back an equal one."""
    return {_FORMAT_KEY: FORMAT, **_fields_to_values(service)}


def service_from_values(values: object) -> Service:
    """Return the service that values stand for; UnreadableValues when they are none, or of a later format."""
    if not isinstance(values, Mapping):
        raise UnreadableValues("a service is written as an object")
    if values.get(_FORMAT_KEY) != FORMAT:
        raise UnreadableValues(f"settings of format {values.get(_FORMAT_KEY)!r}; this version reads format {FORMAT}")
    return _dataclass_from(Service, values, "service")


def to_values(value: object) -> Values:
    """Return a value of the settings' types as JSON values; TypeError for a type that the settings do not use."""
    if isinstance(value, Enum):
        return to_values(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return [to_values(item) for item in value]
    if _is_record(type(value)):
        return _fields_to_values(value)
    raise TypeError(f"settings hold no {type(value).__name__}")


def _fields_to_values(value: object) -> dict[str, Values]:
    kind = type(value)
    if not _is_record(kind):
        raise TypeError(f"{kind.__name__} is no record of settings")
    return {name: to_values(getattr(value, name)) for name in _names_of(kind)}


def _is_record(kind: type) -> bool:
    """Whether a type is a dataclass: those of the settings take all their fields by place."""
    return "__match_args__" in kind.__dict__


@cache
def _types_of(kind: type) -> Mapping[str, object]:
    """Return the fields of a dataclass with their types, worked out once: reading annotations is slow."""
    hints = typing.get_type_hints(kind)
    return {name: hints[name] for name in _names_of(kind)}


def _names_of(kind: type) -> tuple[str, ...]:
    names: tuple[str, ...] = kind.__dict__["__match_args__"]
    return names


def _dataclass_from(kind: type[Value], values: object, place: str) -> Value:
    if not isinstance(values, Mapping) or not _is_record(kind):
        raise UnreadableValues(f"`{place}` must be an object")
    record: type = kind
    known = _types_of(record)
    given = {name: _from(known[name], value, f"{place}.{name}") for name, value in values.items() if name in known}
    try:
        return kind(**given)
    except TypeError as error:
        raise UnreadableValues(f"`{place}` is not complete: {error}") from error


def _from(kind: object, value: object, place: str) -> object:
    """Return the value of type `kind` that JSON values stand for."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        choices = typing.get_args(kind)
        if value is None and type(None) in choices:
            return None
        wanted = [choice for choice in choices if choice is not type(None)]
        if len(wanted) == 1:
            return _from(wanted[0], value, place)
        raise UnreadableValues(f"`{place}` could be several things")
    if origin is tuple:
        return _tuple_from(typing.get_args(kind), value, place)
    if isinstance(kind, type):
        if issubclass(kind, Enum):
            return _member(kind, value, place)
        if _is_record(kind):
            return _dataclass_from(kind, value, place)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
    raise UnreadableValues(f"`{place}` cannot be {value!r}")


def _tuple_from(items: tuple[object, ...], value: object, place: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise UnreadableValues(f"`{place}` must be a list")
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_from(items[0], item, place) for item in value)
    if len(items) != len(value):
        raise UnreadableValues(f"`{place}` must have {len(items)} items")
    return tuple(_from(kind, item, place) for kind, item in zip(items, value, strict=True))


def _member(kind: type[Enum], value: object, place: str) -> Enum:
    try:
        return kind(value)
    except ValueError as error:
        raise UnreadableValues(f"`{place}` cannot be {value!r}") from error


def record_from(kind: type[Value], values: object) -> Value:
    """Return the record of a type that JSON values stand for; UnreadableValues when they are none."""
    return _dataclass_from(kind, values, kind.__name__)
