"""What a script declares in its own text for those that run it alone (inline script metadata, PEP 723)."""

from __future__ import annotations

import re

from sophia_cli.project.dependencies.entry import quoted_entry
from sophia_cli.project.dependencies.model import Declaration, Format, Requirement, Role
from sophia_cli.project.dependencies.text import read_text

_BLOCK = re.compile(r"^# /// script[ \t]*\n((?:#(?: .*)?\n)+?)# ///[ \t]*$", re.MULTILINE)
_TABLE = re.compile(r"^# \[", re.MULTILINE)
_QUOTED = re.compile(r"\"([^\"\n]+)\"|'([^'\n]+)'")


def script_requirements(path: str, text: str) -> dict[str, tuple[Declaration, Requirement]]:
    """Return what the block of a script names, by normalised name; nothing where it has none, or nothing readable."""
    block = _BLOCK.search(text) if "# /// script" in text else None
    if block is None:
        return {}
    table = _TABLE.search(text, block.start(1), block.end(1))
    source = read_text(text.encode("utf-8", "replace"))
    found: list[Requirement] = []
    for match in _QUOTED.finditer(text, block.start(1), table.start() if table else block.end(1)):
        words = match[1] or match[2]
        read = quoted_entry(source, Role.MAIN, "", words, place=match.start() + 1, whole=match.span())
        if isinstance(read, Requirement):
            found.append(read)
    declaration = Declaration(path, Format.PYPROJECT, tuple(found), declares_main=True)
    return {one.name: (declaration, one) for one in found}
