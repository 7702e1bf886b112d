"""The fields that every JSON document begins with."""

from __future__ import annotations

from collections.abc import Mapping

from sophia_cli.core.errors import ExitCode
from sophia_cli.core.report import SCHEMA_VERSION


def read_only_head(command: str, verdict: str, exit_code: ExitCode, duration_s: float) -> Mapping[str, object]:
    """Return the first fields of the document of a command that changes no file."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "verdict": verdict,
        "exit_code": int(exit_code),
        "duration_s": round(duration_s, 3),
        "run_id": None,
    }
