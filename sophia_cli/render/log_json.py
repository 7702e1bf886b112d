"""What a service wrote, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sophia_cli.render.json import document


def log_json(head: Mapping[str, object], service: str, lines: Sequence[str]) -> str:
    """Return the document of `sophia logs`: the last lines, the oldest first, without their ends."""
    return document({**head, "summary": {"lines": len(lines)}, "service": service, "lines": list(lines)})
