"""What one file says to others, from its bytes alone: no rule is asked and nothing is mended."""

from __future__ import annotations

from sophia_cli.core.values import replace
from sophia_cli.fixers.syntax.compiler import compile_fault, tree_of
from sophia_cli.fixers.syntax.large_text import LARGE, first_fault
from sophia_cli.project.code.calls import CallSurface
from sophia_cli.project.code.facts import ModuleSurface
from sophia_cli.project.code.file_facts import FileFacts, facts_of
from sophia_cli.project.source import SourceText, decode


def facts_of_bytes(path: str, data: bytes) -> FileFacts:
    """Return what a file with these bytes says to others; nothing where they are no Python text."""
    source = decode(data)
    if not isinstance(source, SourceText):
        return FileFacts(path, ModuleSurface(), CallSurface(), compiles=False)
    tree = None if len(source.text) >= LARGE else tree_of(source.text)
    facts = facts_of(path, source.text, tree)
    # What is large, or too deep for a tree, may compile all the same.
    return facts if tree is not None else replace(facts, compiles=first_fault(source.text, compile_fault) is None)


def unread_facts(path: str) -> FileFacts:
    """Return the facts of a file that is there and that nobody looks into: it may hold any name."""
    return FileFacts(path, ModuleSurface(is_dynamic=True), CallSurface(), is_scanned=False)
