"""From the tree of one Python file to what it offers to other files and asks of them."""

from __future__ import annotations

import ast
import re

from sophia_cli.project.code.extract_early import early_uses
from sophia_cli.project.code.extract_guards import Surroundings
from sophia_cli.project.code.extract_paths import path_edits
from sophia_cli.project.code.extract_statements import StatementWalk
from sophia_cli.project.code.facts import ModuleSurface

# In a text with one kind of quotes: what a pattern begins with, when it is one letter, is found ten times as fast.
_STRING = re.compile(
    r'''"([A-Za-z_][A-Za-z0-9_]*[.:][A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*(?::[A-Za-z_][A-Za-z0-9_]*)?)"'''
)
_FILE_ENDINGS = (
    *(".cfg", ".conf", ".css", ".csv", ".db", ".env", ".gz", ".html", ".ico", ".ini", ".jpeg", ".jpg", ".js", ".json"),
    *(".jsonl", ".lock", ".log", ".md", ".pdf", ".pid", ".png", ".py", ".rst", ".sh", ".sock", ".sql", ".sqlite"),
    *(".svg", ".tar", ".toml", ".tsx", ".ts", ".tsv", ".txt", ".xml", ".yaml", ".yml", ".zip", ".com", ".org", ".net"),
    *(".io", ".ai", ".dev"),
)


def surface_of(tree: ast.Module, text: str) -> ModuleSurface:
    """Return what a file says that other files care about; `tree` is the tree of `text`, whose lines end in `\\n`."""
    walk = StatementWalk(text)
    walk.visit(tree.body, Surroundings())
    imports = tuple(walk.imports)
    return ModuleSurface(
        imports=imports,
        bindings=walk.bindings.found,
        exports=walk.bindings.exports.names,
        is_dynamic=walk.bindings.is_dynamic,
        path_edits=path_edits(tree, walk.path_statements) if walk.path_statements else (),
        early_uses=early_uses(tree, text, imports),
        has_main=walk.has_main,
        strings=module_strings(text, walk.reached),
    )


def module_strings(text: str, reached: list[str]) -> tuple[str, ...]:
    """Return the string literals of a text that may name a module, and what `reached` adds, each once.

    Read from the text, not the tree: that is cheap, serves broken files too, and one too many does no harm.
    """
    found = dict.fromkeys(reached)
    for name in _STRING.findall(text.replace("'", '"')):
        if not name.endswith(_FILE_ENDINGS):
            found[name] = None
    return tuple(found)
