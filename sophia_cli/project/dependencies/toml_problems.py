"""What in a TOML document no installer reads, one problem for each place."""

from __future__ import annotations

import re

from sophia_cli.project.dependencies.model import Problem
from sophia_cli.project.dependencies.text import DeclarationText
from sophia_cli.project.dependencies.toml_reader import TomlDocument

_CONFLICT = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?:[ \r\n]|$)", re.MULTILINE)
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")


def toml_problems(path: str, text: DeclarationText, document: TomlDocument) -> list[Problem]:
    """Return what keeps a document from being read, empty for one that is in order."""
    if marker := _CONFLICT.search(text.text):
        # The first line of a conflict stands for all of it.
        return [Problem(path, text.line(marker.start()), "a conflict marker: this merge was not finished")]
    if document.faults:
        return [Problem(path, text.line(place), "this line is no TOML") for place in document.faults]
    if text.encoding != "utf-8":
        return [Problem(path, 1, "TOML is written in UTF-8, and this file is not")]
    if text.bom:
        return [Problem(path, 1, "TOML may not begin with a byte order mark")]
    return _refused(path, text.text)


def is_unmerged(text: DeclarationText) -> bool:
    """Whether a document holds both sides of a merge that was not finished."""
    return _CONFLICT.search(text.text) is not None


def _refused(path: str, text: str) -> list[Problem]:
    """Return what the parser of the standard library refuses in what looks well: tables and keys that come twice."""
    import tomllib

    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found else 1 + text.count("\n")
        return [Problem(path, line, f"this is no TOML: {_AT_LINE.sub('', str(error)).strip()}")]
    except RecursionError:
        return [Problem(path, 1, "this TOML is nested too deeply to be read")]
    return []
