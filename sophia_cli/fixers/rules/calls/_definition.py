"""Where a callable is defined, for messages."""

from __future__ import annotations

from sophia_cli.project.calls.wrong import WrongCall


def defined_in(wrong: WrongCall) -> str:
    """Return where to look, empty for the file itself or when it may be one of several."""
    if wrong.definition is None or wrong.definition.path == wrong.path:
        return ""
    return f" (`{wrong.definition.path}`)"
