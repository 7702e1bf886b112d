"""Edits that make an import, and all uses of the module it binds, name another module."""

from __future__ import annotations

import ast

from sophia_cli.core.findings import Edit
from sophia_cli.fixers.rules.imports._findings import place_edits
from sophia_cli.project.code.facts import Place
from sophia_cli.project.imports.model import Import
from sophia_cli.project.source import SourceText


def redirect_edits(source: SourceText, item: Import, written: str) -> tuple[Edit, ...] | None:
    """Return the edits that replace the module by `written`; None where not all uses of it can be followed.

    `import a.b` without `as` binds `a`, so every `a.b` in the file is rewritten with it, or nothing is.
    """
    fact = item.fact
    replacements = [(fact.module_place, written)]
    if fact.is_call:
        if fact.level or "." not in fact.module:
            return None
    elif fact.is_from:
        if written.strip(".") == "":
            return None
    elif written.startswith("."):
        return None
    elif fact.asname is None:
        uses = _uses(source, fact.module)
        if uses is None:
            return None
        replacements += [(place, written) for place in uses if place.line != fact.module_place.line]
    try:
        return place_edits(source, replacements, item.importer)
    except UnicodeEncodeError:
        return None


def _uses(source: SourceText, module: str) -> list[Place] | None:
    """Return where a file writes a dotted module; None when it does not compile or also uses a part of the name."""
    try:
        tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    parts = module.split(".")
    places: list[Place] = []
    accounted: set[int] = set()
    top_uses: list[ast.Name] = []
    lines = source.lines
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == parts[0]:
            top_uses.append(node)
        elif isinstance(node, ast.Import):
            others = [alias for alias in node.names if alias.asname is None and alias.name != module]
            if any(alias.name.split(".")[0] == parts[0] for alias in others):
                return None
        elif isinstance(node, ast.Attribute):
            chain = _chain(node)
            if chain is not None and chain[1] == parts:
                if node.end_lineno != node.lineno:
                    return None
                line = lines[node.lineno - 1].encode()
                start = len(line[: node.col_offset].decode()) + 1
                end = len(line[: node.end_col_offset].decode()) + 1
                places.append(Place(node.lineno, start, node.lineno, end))
                accounted.add(id(chain[0]))
    if len(parts) == 1:
        return None
    return places if all(id(node) in accounted for node in top_uses) else None


def _chain(node: ast.Attribute) -> tuple[ast.Name, list[str]] | None:
    parts = [node.attr]
    value: ast.expr = node.value
    while isinstance(value, ast.Attribute):
        parts.append(value.attr)
        value = value.value
    return (value, [value.id, *reversed(parts)]) if isinstance(value, ast.Name) else None
