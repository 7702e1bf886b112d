"""What a rule sees of one file: values only, made before any rule runs."""

from __future__ import annotations

from dataclasses import dataclass

from sophia_cli.fixers.syntax.model import Repair, SyntaxFault
from sophia_cli.project.source import SourceText, UndecodableSource


@dataclass(frozen=True, slots=True)
class FileView:
    """One Python file.

    `data` is None and `read_error` says why when the file could not be read. `fault` is the first thing the compiler
    objects to, None for a file that compiles; `repair` is what the engine found for it. `needs_python` is the Python
    version that the file is valid for when that is newer than the project's.
    """

    path: str
    data: bytes | None
    read_error: str | None = None
    source: SourceText | UndecodableSource | None = None
    fault: SyntaxFault | None = None
    repair: Repair | None = None
    needs_python: tuple[int, int] | None = None
    python_2: bool = False
