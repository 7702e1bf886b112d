"""From a file's tree to what it says about calls."""

from __future__ import annotations

import ast

from sophia_cli.project.code.calls import CallSurface


def calls_of(tree: ast.Module, text: str) -> CallSurface:
    """Return the callables that a file defines and the calls that it makes; `text` is what the tree was parsed from."""
    return CallSurface()
