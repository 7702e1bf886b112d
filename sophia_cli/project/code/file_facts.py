"""All facts of one file, joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sophia_cli.core.values import dataclass
from sophia_cli.project.code.calls import CallSurface
from sophia_cli.project.code.facts import ModuleSurface

if TYPE_CHECKING:
    import ast


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One Python file. `compiles` is false for one that does not; its surface is then read from the broken text.

    `is_scanned` is false for a file that Sophia does not report on (a fixture, generated or vendored code): others may
    import it all the same.
    """

    path: str
    surface: ModuleSurface
    calls: CallSurface
    compiles: bool = True
    is_scanned: bool = True


def facts_of(path: str, text: str, tree: ast.Module | None) -> FileFacts:
    """Return the facts of a file from its text and the tree of that text, None for one that does not compile."""
    # Whoever takes facts from the cache needs neither.
    if tree is None:
        from sophia_cli.project.code.tolerant import surface_of_broken

        return FileFacts(path, surface_of_broken(text), CallSurface(), compiles=False)
    return facts_and_certainty(path, text, tree)[0]


def facts_and_certainty(path: str, text: str, tree: ast.Module) -> tuple[FileFacts, bool]:
    """Return the facts of a file that parses, and whether it surely compiles too: reading them shows that."""
    from sophia_cli.project.code.extract import surface_of
    from sophia_cli.project.code.extract_calls import calls_and_certainty

    surface = surface_of(tree, text)
    calls, is_certain = calls_and_certainty(tree, text)
    return FileFacts(path, surface, calls), is_certain
