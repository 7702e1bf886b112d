"""Values that one check captured, put into the requests of later ones; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def names_in(text: str, captured: frozenset[str]) -> frozenset[str]:
    """Return the names that a text uses, of those that some check captures."""
    return captured & frozenset(_PLACE.findall(text))


def fill_text(text: str, variables: Mapping[str, object]) -> str:
    """Return a text with `{name}` replaced; what is no known name stays as it is."""
    return _PLACE.sub(lambda match: _plain(variables[match[1]]) if match[1] in variables else match[0], text)


def fill_path(text: str, variables: Mapping[str, object]) -> str:
    """Return a path with `{name}` replaced by the escaped value."""
    escaped = {name: quote(_plain(value), safe="") for name, value in variables.items()}
    return fill_text(text, escaped)


def fill_json(value: object, variables: Mapping[str, object]) -> object:
    """Return a JSON value with `{name}` replaced in its texts; a text that is only that becomes the value itself."""
    if isinstance(value, dict):
        return {key: fill_json(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill_json(inner, variables) for inner in value]
    if isinstance(value, str):
        match = _PLACE.fullmatch(value)
        if match is not None and match[1] in variables:
            return variables[match[1]]
        return fill_text(value, variables)
    return value


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
