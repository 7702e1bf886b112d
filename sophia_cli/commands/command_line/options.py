"""Options that several commands share: one flag, one meaning, one text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from sophia_cli.commands.command_line.output import Format
from sophia_cli.commands.command_line.parameters import Argument, option
from sophia_cli.core.errors import UsageError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

Paths = Annotated[
    list[Path] | None,
    Argument(metavar="PATH", help="Files or folders; the current folder when left out.", show_default=False),
]
Select = Annotated[
    list[str] | None,
    option("--select", metavar="RULES", help="Only these rules: ids, prefixes (SPH1), names, categories."),
]
Ignore = Annotated[
    list[str] | None, option("--ignore", metavar="RULES", help="Not these rules; the same words as --select.")
]
FormatOption = Annotated[Format | None, option("--format", help="How the result is written.", show_default="text")]
Json = Annotated[bool, option("--json", help="Short for --format json.")]
OutputFile = Annotated[
    Path | None, option("--output", metavar="FILE", help="Write the result to this file, whole or not at all.")
]
Quiet = Annotated[bool, option("--quiet", "-q", help="Only the last lines: what was found or done.")]
Verbose = Annotated[bool, option("--verbose", "-v", help="Also notes, evidence, candidates and timing.")]
Yes = Annotated[bool, option("--yes", "-y", help="Ask no questions.")]
InProject = Annotated[
    Path, option("--project", metavar="PATH", help="A path in the project, when it is not the current folder.")
]
Wait = Annotated[str, option("--wait", metavar="TIME", help="How long to wait for another Sophia in this project.")]


def seconds(text: str, option: str) -> float:
    """Return a duration (`250ms`, `5s`, `2m`, `1h`; a bare number is seconds); UsageError for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError("usage", f"`{option} {text}` is no duration", hint="write `250ms`, `5s` or `2m`")
    return float(match.group(1)) * _SECONDS[match.group(2) or "s"]
