"""Edits that import names of one `from` import from several modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sophia_cli.core.findings import Edit
from sophia_cli.fixers.rules.imports._findings import place_edits
from sophia_cli.project.code.facts import ImportedName, Place
from sophia_cli.project.imports.model import Import
from sophia_cli.project.source import SourceText


def from_several(
    source: SourceText,
    item: Import,
    modules: Mapping[str, Sequence[ImportedName]],
    called: Mapping[ImportedName, str] | None = None,
) -> tuple[Edit, ...] | None:
    """Return the edits that import names from these modules; the names that are left stay in the statement.

    `called` tells what a name is called there, when that is something else; the file goes on with its own name for it.
    One module for all names takes the place of the written one; else each gets a line of its own above the statement.
    None where the statement shares its lines with others or holds comments, or the encoding lacks a character.
    """
    fact = item.fact
    moved = {name for names in modules.values() for name in names}
    kept = [name for name in fact.names if name not in moved]
    try:
        if not kept and len(modules) == 1 and not called:
            return place_edits(source, [(fact.module_place, next(iter(modules)))], item.importer)
        lines = source.lines
        place = fact.place
        indent = lines[place.line - 1][: place.column - 1]
        after = lines[place.end_line - 1][place.end_column - 1 :]
        statement = lines[place.line - 1 : place.end_line]
        if indent.strip() or after.strip() or any("#" in line or ";" in line for line in statement):
            return None
        added = [f"{indent}from {module} import {_listed(names, called)}" for module, names in modules.items()]
        text = "\n".join([*added, _rest(indent, statement, fact.written, kept)] if kept else added)
        whole = Place(place.line, 1, place.end_line, place.end_column)
        return place_edits(source, [(whole, text)], item.importer)
    except UnicodeEncodeError:
        return None


def _rest(indent: str, statement: list[str], module: str, kept: list[ImportedName]) -> str:
    """Return the statement with the names that stay, one a line where it was so before."""
    head = f"{indent}from {module} import "
    if len(statement) == 1 or "(" not in "".join(statement):
        return head + _listed(kept)
    inner = statement[1][: len(statement[1]) - len(statement[1].lstrip())] or indent + "    "
    return f"{head}(\n" + "".join(f"{inner}{_written(name, name.name)},\n" for name in kept) + f"{indent})"


def _listed(names: Sequence[ImportedName], called: Mapping[ImportedName, str] | None = None) -> str:
    return ", ".join(_written(name, (called or {}).get(name, name.name)) for name in names)


def _written(name: ImportedName, called: str) -> str:
    local = name.asname or name.name
    return f"{called} as {local}" if local != called or name.asname else called
