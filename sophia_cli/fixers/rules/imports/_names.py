"""Edits that import one name of a `from` import from another module."""

from __future__ import annotations

from sophia_cli.core.findings import Edit
from sophia_cli.fixers.rules.imports._findings import place_edits
from sophia_cli.project.code.facts import ImportedName, Place
from sophia_cli.project.imports.model import Import
from sophia_cli.project.source import SourceText


def from_elsewhere(source: SourceText, item: Import, name: ImportedName, module: str) -> tuple[Edit, ...] | None:
    """Return the edits that import `name` from `module`, the other names of the statement as they are.

    The only name takes the module with it; else the name is taken out and gets a line of its own above the statement.
    None where the statement shares its line with others or holds comments.
    """
    fact = item.fact
    try:
        if len(fact.names) == 1:
            return place_edits(source, [(fact.module_place, module)], item.importer)
        lines = source.lines
        place = fact.place
        indent = lines[place.line - 1][: place.column - 1]
        after = lines[place.end_line - 1][place.end_column - 1 :]
        statement = lines[place.line - 1 : place.end_line]
        if indent.strip() or after.strip() or any("#" in line or ";" in line for line in statement):
            return None
        kept = [_written(other) for other in fact.names if other is not name]
        head = f"{indent}from {fact.written} import "
        is_wrapped = "(" in "".join(statement)
        rest = f"{head}{', '.join(kept)}"
        if is_wrapped and len(statement) > 1:
            inner = statement[1][: len(statement[1]) - len(statement[1].lstrip())] or indent + "    "
            rest = f"{head}(\n" + "".join(f"{inner}{one},\n" for one in kept) + f"{indent})"
        text = f"{indent}from {module} import {_written(name)}\n{rest}"
        return place_edits(source, [(Place(place.line, 1, place.end_line, place.end_column), text)], item.importer)
    except UnicodeEncodeError:
        return None


def _written(name: ImportedName) -> str:
    return f"{name.name} as {name.asname}" if name.asname else name.name
