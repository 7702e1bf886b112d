"""Reading one table of the settings file: typed values out, an error with its line for anything else."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import PurePosixPath
from typing import TypeVar

from sophia_cli.core.errors import UsageError
from sophia_cli.core.units import parse_duration, parse_size
from sophia_cli.core.values import dataclass
from sophia_cli.project.settings.keys import Section, known_keys
from sophia_cli.project.settings.positions import Path, index_positions

Choice = TypeVar("Choice", bound=Enum)
Value = TypeVar("Value")
Parsed = TypeVar("Parsed", int, float)

_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "a table"),
    (datetime.date, "a date"),
    (datetime.time, "a time"),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a table comes from: its name for messages and its text, to find lines when a mistake shows."""

    file: str
    text: str

    def location(self, path: Path, *, of_key: bool) -> str:
        """Return `file:line:column` of a key or a value, of the nearest enclosing table when it has no own place."""
        index = index_positions(self.text)
        for length in range(len(path), 0, -1):
            found = index.key(path[:length]) if of_key else index.value(path[:length])
            if found:
                return f"{self.file}:{found.line}:{found.column}"
        return f"{self.file}:1:1"

    def holds(self, path: Path) -> bool:
        """Tell whether the text has this key."""
        return index_positions(self.text).key(path) is not None


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `path` is where it stands; `base` where keys stand that an environment did not override.

    Every method that reads a key returns None (or an empty tuple) when it is absent, and raises UsageError with the
    line when it has another type than asked for.
    """

    origin: Origin
    path: Path
    values: Mapping[str, object]
    base: Path | None = None

    def check_keys(self, section: Section) -> None:
        """Raise UsageError (`settings-unknown-key`) for the first key that `section` does not know."""
        known = known_keys(section)
        for name in self.values:
            if name not in known:
                hint = f"{self._nearest(name, known)} known here: {', '.join(known)}".lstrip()
                raise self.mistake(
                    (name,), f"unknown key `{name}` in {section.value}", "settings-unknown-key", hint, of_key=True
                )

    def names(self) -> tuple[str, ...]:
        """Return the keys in the order of the file."""
        return tuple(self.values)

    def has(self, key: str) -> bool:
        """Tell whether the table holds a key."""
        return key in self.values

    def text(self, key: str) -> str | None:
        """Return a string that is not empty."""
        value = self._typed(key, str, "a string")
        if value is not None and not str(value).strip():
            raise self.wrong(key, f"`{key}` is empty")
        return None if value is None else str(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings that are not empty."""
        items = self._typed(key, list, "a list of strings")
        for position, item in enumerate(items or ()):
            if not isinstance(item, str):
                raise self.wrong(
                    key, f"`{key}` must be a list of strings; item {position + 1} is {_type_name(item)}", position
                )
            if not item.strip():
                raise self.wrong(key, f"`{key}` holds an empty string", position)
        return tuple(items or ())

    def integer(self, key: str, lowest: int, highest: int) -> int | None:
        """Return an integer within bounds."""
        value = self._typed(key, int, "an integer")
        if value is not None and not lowest <= value <= highest:
            raise self.wrong(key, f"`{key}` must be between {lowest} and {highest}, not {value}")
        return value

    def number(self, key: str, highest: float = float("inf")) -> float | None:
        """Return a number from 0 to `highest`."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, f"`{key}` must be a number, not {_type_name(value)}")
        if not 0 <= value <= highest:
            raise self.wrong(key, f"`{key}` must not be below 0" + (f" or above {highest:g}" if highest < 1e9 else ""))
        return float(value)

    def boolean(self, key: str) -> bool | None:
        """Return true or false."""
        return self._typed(key, bool, "true or false")

    def duration(self, key: str) -> float | None:
        """Return a duration in seconds."""
        return self._parsed(key, parse_duration, "a duration such as `250ms`, `5s` or `2m`")

    def size(self, key: str) -> int | None:
        """Return a size in bytes."""
        return self._parsed(key, parse_size, "a size such as `256MB` or `1GiB`")

    def choice(self, key: str, choices: type[Choice], default: Choice) -> Choice:
        """Return the member of `choices` that a string names."""
        value = self.text(key)
        if value is None:
            return default
        allowed = [str(member.value) for member in choices]
        if value not in allowed:
            raise self.wrong(key, f"`{key}` must be {_listed(allowed)}, not `{value}`", near=(value, allowed))
        return choices(value)

    def inner_path(self, key: str) -> str | None:
        """Return a path that stays inside the project: relative, without `..`."""
        value = self.text(key)
        if value is not None and not _is_inside(value):
            raise self.wrong(key, f"`{key}` must stay inside the project: `{value}` does not")
        return value

    def inner_paths(self, key: str) -> tuple[str, ...]:
        """Return a list of paths that stay inside the project."""
        items = self.texts(key)
        for position, item in enumerate(items):
            if not _is_inside(item):
                raise self.wrong(key, f"`{key}` must stay inside the project: `{item}` does not", position)
        return items

    def table(self, key: str) -> Table:
        """Return an inner table, an empty one when absent."""
        return self._inner(key, self._typed(key, dict, "a table") or {})

    def tables(self, key: str) -> tuple[Table, ...]:
        """Return a list of tables."""
        items = self._typed(key, list, "a list of tables") or []
        for position, item in enumerate(items):
            if not isinstance(item, dict):
                raise self.wrong(
                    key, f"`{key}` must be a list of tables; item {position + 1} is {_type_name(item)}", position
                )
        owner = self.owner(key)
        return tuple(Table(self.origin, (*owner, key, position), item) for position, item in enumerate(items))

    def each(self) -> tuple[tuple[str, Table], ...]:
        """Return the inner tables by name, where every key names one; UsageError for a value that is none."""
        return tuple((name, self.table(name)) for name in self.values)

    def owner(self, key: str) -> Path:
        """Return the path of the table that a key is written in: the environment's own, or the base it builds on."""
        if self.base is not None and not self.origin.holds((*self.path, key)):
            return self.base
        return self.path

    def wrong(
        self, key: str, message: str, position: int | None = None, *, near: tuple[str, Sequence[str]] | None = None
    ) -> UsageError:
        """Return the error for a value that cannot be, located at the value (or at one item of a list)."""
        place: Path = (key,) if position is None else (key, position)
        hint = self._nearest(*near) if near else ""
        return self.mistake(place, message, "settings-wrong-value", hint or "docs/settings.md lists every key")

    def mistake(self, place: Path, message: str, reference: str, hint: str, *, of_key: bool = False) -> UsageError:
        """Return an error at a place inside this table."""
        owner = self.owner(str(place[0])) if place else self.path
        location = self.origin.location((*owner, *place), of_key=of_key)
        return UsageError(reference, message, hint=hint, location=location)

    def _inner(self, key: str, values: Mapping[str, object]) -> Table:
        base = (*self.base, key) if self.base is not None else None
        return Table(self.origin, (*self.path, key), values, base)

    def _parsed(self, key: str, parse: Callable[[str], Parsed | None], wanted: str) -> Parsed | None:
        value = self.values.get(key)
        if value is None:
            return None
        parsed = parse(value) if isinstance(value, str) else None
        if parsed is None:
            shown = f"`{value}`" if isinstance(value, str) else _type_name(value)
            raise self.wrong(key, f"`{key}` must be {wanted}, not {shown}")
        return parsed

    def _typed(self, key: str, kind: type[Value], wanted: str) -> Value | None:
        value = self.values.get(key)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise self.wrong(key, f"`{key}` must be {wanted}, not {_type_name(value)}")
        return value

    @staticmethod
    def _nearest(word: str, known: Sequence[str]) -> str:
        from sophia_cli.core.nearest import did_you_mean

        return did_you_mean(word.replace("-", "_"), known, likeness=0.5)


def _type_name(value: object) -> str:
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "another type")


def _listed(words: Sequence[str]) -> str:
    return " or ".join(f"`{word}`" for word in words)


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path.replace("\\", "/"))
    return not pure.is_absolute() and ".." not in pure.parts and not re.match(r"[A-Za-z]:", path)


def value_or(value: Value | None, default: Value) -> Value:
    """Return a value, or what stands in for it where none was given."""
    return default if value is None else value
