"""Lock files (Poetry, uv, PDM, Pipenv, pixi, `pylock.toml`) as pins, by pattern: also when they are cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.project.dependencies.entry import entry
from sophia_cli.project.dependencies.model import Declaration, Format, Problem, Requirement, Role
from sophia_cli.project.dependencies.text import DeclarationText, read_text

_PACKAGE = re.compile(r"^\[\[packages?\]\][ \t]*(?:#[^\r\n]*)?\r?$", re.MULTILINE)
_NEXT = re.compile(r"^\[", re.MULTILINE)
_NAME = re.compile(r'^name[ \t]*=[ \t]*"([^"\r\n]+)"', re.MULTILINE)
_VERSION = re.compile(r'^version[ \t]*=[ \t]*"([^"\r\n]*)"', re.MULTILINE)
_LOCAL = re.compile(r"^source[ \t]*=[ \t]*\{[ \t]*(?:virtual|editable|directory)\b", re.MULTILINE)
_JSON_TABLE = re.compile(r'^ {4}"(default|develop|[\w-]+)": \{', re.MULTILINE)
_JSON_NAME = re.compile(r'^ {8}"([A-Za-z0-9][\w.-]*)": \{', re.MULTILINE)
_JSON_VERSION = re.compile(r'^ {12}"version": "(==[^"]+)"', re.MULTILINE)

_YAML_PACKAGE = re.compile(r"^- pypi:[^\r\n]*\r?\n((?:[ ]{2}[^\r\n]*\r?\n?)*)", re.MULTILINE)
_YAML_NAME = re.compile(r"^ {2}name: ['\"]?([\w.-]+)", re.MULTILINE)
_YAML_VERSION = re.compile(r"^ {2}version: ['\"]?([\w.!+-]+)", re.MULTILINE)


def read_lock(path: str, data: bytes) -> Declaration:
    """Return a lock file's pins, each `==version`; what it locks of the project itself is left out."""
    text = read_text(data)
    pins = _json_pins if path.endswith("Pipfile.lock") else _yaml_pins if path.endswith("pixi.lock") else _toml_pins
    found = tuple(pins(text))
    problems: tuple[Problem, ...] = ()
    if not found and text.text.strip() and "package" in text.text and not path.endswith("pixi.lock"):
        problems = (Problem(path, 1, "nothing in this lock file could be read"),)
    elif path.endswith("Pipfile.lock") and not _is_json(text.text):
        problems = (Problem(path, 1, "this lock file is no JSON: it may have been cut off"),)
    return Declaration(path, Format.LOCK, found, problems=problems)


def _is_json(text: str) -> bool:
    import json

    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _toml_pins(text: DeclarationText) -> Iterator[Requirement]:
    words = text.text
    for head in _PACKAGE.finditer(words):
        following = _NEXT.search(words, head.end())
        stop = following.start() if following else len(words)
        name = _NAME.search(words, head.end(), stop)
        version = _VERSION.search(words, head.end(), stop)
        if name and not _LOCAL.search(words, head.end(), stop):
            yield _pin(text, name, version, f"=={version[1]}" if version else "")


def _json_pins(text: DeclarationText) -> Iterator[Requirement]:
    words = text.text
    tables = [(table.start(), table[1]) for table in _JSON_TABLE.finditer(words)]
    for name in _JSON_NAME.finditer(words):
        if [table for start, table in tables if start < name.start()][-1:] in ([], ["_meta"]):
            continue
        following = _JSON_NAME.search(words, name.end())
        stop = following.start() if following else len(words)
        version = _JSON_VERSION.search(words, name.end(), stop)
        yield _pin(text, name, version, version[1] if version else "")


def _yaml_pins(text: DeclarationText) -> Iterator[Requirement]:
    """Yield what pixi takes from an index; Conda's packages need not be called like their distribution."""
    words = text.text
    for package in _YAML_PACKAGE.finditer(words):
        name = _YAML_NAME.search(words, package.start(1), package.end(1))
        version = _YAML_VERSION.search(words, package.start(1), package.end(1))
        if name:
            yield _pin(text, name, version, f"=={version[1]}" if version else "")


def _pin(text: DeclarationText, name: re.Match[str], version: re.Match[str] | None, specifier: str) -> Requirement:
    place = name.start(1)
    value = (version.start(1), version.end(1)) if version else (name.end(), name.end())
    return entry(text, Role.LOCK, "", name=name[1], place=place, whole=(place, place), value=value, specifier=specifier)
