"""Names of distributions and single requirements (PEP 503, 508), without `packaging`, which loads slowly."""

from __future__ import annotations

import re

from sophia_cli.core.values import dataclass

_RUNS = re.compile(r"[-_.]+")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_EXTRAS = re.compile(r"\s*\[([^\]]*)\]")
_CLAUSE = r"(?:===\s*[^\s,;)]+|(?:~=|==|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+)"
_SPECIFIER = re.compile(rf"{_CLAUSE}(?:\s*,\s*{_CLAUSE})*\s*,?")
_SPACE = re.compile(r"\s*")
_UNFINISHED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*(?:\s*\[[^\]]*\])?)\s*(?:[<>=!~].*|\s[0-9][0-9.]*\s*)")

INTERPRETERS = frozenset({"python", "python3", "cpython"})
"""What lists of requirements call Python itself, which no index has."""


def normalised(name: str) -> str:
    """Return the name as PEP 503 compares it: lower case, runs of `-`, `_` and `.` one hyphen."""
    is_plain = "_" not in name and "." not in name and "--" not in name
    return (name if is_plain else _RUNS.sub("-", name)).lower()


@dataclass(frozen=True, slots=True)
class Parsed:
    """One requirement as PEP 508 writes it; `start` and `end` are where its specifier (or URL) stands in the text."""

    name: str
    extras: tuple[str, ...]
    specifier: str
    marker: str
    url: str | None
    start: int
    end: int


def parse_requirement(text: str) -> Parsed | str:
    """Read one requirement, or say in words why it is none."""
    at = _skip(text, 0)
    name = _NAME.match(text, at)
    if name is None:
        return "no distribution name" if text.strip() else "empty requirement"
    at = name.end()
    extras: tuple[str, ...] = ()
    if found := _EXTRAS.match(text, at):
        extras = tuple(extra.strip() for extra in found[1].split(",") if extra.strip())
        at = found.end()
    at = _skip(text, at)
    if text.startswith("@", at):
        return _with_url(text, name[0], extras, at + 1)
    start = at
    is_wrapped = text.startswith("(", at)
    specifier = _SPECIFIER.match(text, _skip(text, at + 1) if is_wrapped else at)
    words = specifier[0].rstrip().rstrip(",").rstrip() if specifier else ""
    if specifier:
        at = specifier.end()
    elif is_wrapped:
        at += 1
    end = at if is_wrapped else start + len(words)
    if is_wrapped:
        at = _skip(text, at)
        if not text.startswith(")", at):
            return f"`{text.strip()}` has no closing parenthesis"
        at = end = at + 1
    at = _skip(text, at)
    marker = ""
    if text.startswith(";", at):
        marker, at = text[at + 1 :].strip(), len(text)
    if at < len(text):
        return f"`{text[at:].strip()}` after `{text[:at].strip()}` is no version specifier"
    return Parsed(name[0], extras, words, marker, None, start, end)


def parse_unfinished(text: str) -> Parsed | None:
    """Read the distribution, without versions, of a requirement whose version was never finished; None for others."""
    found = _UNFINISHED.fullmatch(text.strip())
    parsed = parse_requirement(found[1]) if found else ""
    return None if isinstance(parsed, str) else parsed


def _with_url(text: str, name: str, extras: tuple[str, ...], at: int) -> Parsed | str:
    start = _skip(text, at)
    url, _, marker = text[start:].partition(" ;")
    url = url.strip()
    if not url:
        return f"`{name} @` names no URL"
    return Parsed(name, extras, "", marker.strip(), url, start, start + len(url))


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
