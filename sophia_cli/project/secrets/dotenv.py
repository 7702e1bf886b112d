"""Reading `.env` files: assignments with quotes, `export`, comments, values over several lines. Nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass

_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*")
_SINGLE = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PLAIN = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
_REFERENCE = re.compile(r"(?<!\\)\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Assignment:
    """One variable of the file and the line on which it begins, from 1."""

    name: str
    value: str
    line: int


def parse_dotenv(text: str, file: str, environment: Mapping[str, str]) -> tuple[Assignment, ...]:
    """Return the variables of a text in the order in which they stand; the last of a name is the one that holds.

    `NAME=value`, with `export` before it or not. Plain values end with the line or before ` #`; single quotes keep
    everything as it is; double quotes know `\\n`, `\\t`, `\\"`; both go over several lines. `${NAME}` and
    `${NAME:-default}` stand for earlier variables of the file, then those of `environment`, except in single quotes;
    `$NAME`, backquotes and `$(...)` stand for themselves. Lines that assign nothing are passed over.

    UsageError (`dotenv-invalid`) with the line for a quote that never ends; the text is not repeated.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found: dict[str, str] = {}
    assignments: list[Assignment] = []
    at = 0
    while at < len(text):
        match = _ASSIGNMENT.match(text, at)
        if match is None:
            at = _next_line(text, at)
            continue
        value, at = _value(text, match.end(), file, found, environment)
        found[match.group(1)] = value
        assignments.append(Assignment(match.group(1), value, text.count("\n", 0, match.start()) + 1))
    return tuple(assignments)


def _value(text: str, at: int, file: str, found: Mapping[str, str], environment: Mapping[str, str]) -> tuple[str, int]:
    """Return the value that begins at a place, and where the next line begins."""
    quote = text[at : at + 1]
    if quote in ("'", '"') and quote:
        match = (_SINGLE if quote == "'" else _DOUBLE).match(text, at)
        if match is None:
            line = text.count("\n", 0, at) + 1
            raise UsageError(
                "dotenv-invalid",
                f"line {line} of `{file}` opens a quote that never ends",
                hint="close it, or leave the quotes out",
                location=f"{file}:{line}:1",
            )
        inner = match.group(1)
        if quote == "'":
            value = re.sub(r"\\(['\\])", r"\1", inner)
        else:
            value = _ESCAPE.sub(_unescaped, _expanded(inner, found, environment))
        return value, _next_line(text, match.end())
    plain = _PLAIN.match(text, at)
    written = plain.group() if plain else ""
    return _expanded(_COMMENT.sub("", written).strip(), found, environment), _next_line(text, at)


def _expanded(value: str, found: Mapping[str, str], environment: Mapping[str, str]) -> str:
    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        return found.get(name) or environment.get(name) or match.group(2) or ""

    return _REFERENCE.sub(replaced, value) if "${" in value else value


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1)
    if code in _CONTROLS:
        return _CONTROLS[code]
    return code if code in "\"'\\$`" else match.group()


def _next_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1
