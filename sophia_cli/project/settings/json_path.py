"""Paths into a JSON value: `$.items[0].id`, `$['a key']`, `$.items[*].id`, `$.items[-1]`."""

from __future__ import annotations

import re

from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass

_STEP = late_pattern(
    r"""
    \.(?P<name>[^.\[\]\s'"*]+) | \.\* | \[\*\] | \[(?P<index>-?\d{1,9})\]
    | \['(?P<quoted>[^']*)'\] | \["(?P<double>[^"]*)"\]
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: into the member `key`, the item `index`, or, with neither, into every member or item."""

    key: str | None = None
    index: int | None = None


def parse_json_path(text: str) -> tuple[Step, ...] | None:
    """Return the steps of a path, none for `$` itself; None when the text is no path."""
    if not text.startswith("$"):
        return None
    steps: list[Step] = []
    position = 1
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            return None
        key = next((match[name] for name in ("name", "quoted", "double") if match[name] is not None), None)
        steps.append(Step(key, None if match["index"] is None else int(match["index"])))
        position = match.end()
    return tuple(steps)


def values_at(document: object, steps: tuple[Step, ...]) -> list[object]:
    """Return every value that the steps lead to; an empty list when there is none."""
    found = [document]
    for step in steps:
        found = [inner for value in found for inner in _inside(value, step)]
    return found


def _inside(value: object, step: Step) -> list[object]:
    if isinstance(value, dict):
        if step.key is not None:
            return [value[step.key]] if step.key in value else []
        return list(value.values()) if step.index is None else []
    if isinstance(value, list) and step.key is None:
        if step.index is None:
            return list(value)
        return [value[step.index]] if -len(value) <= step.index < len(value) else []
    return []
