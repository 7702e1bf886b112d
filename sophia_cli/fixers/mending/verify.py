"""Is a file's next version no worse than the one before? A fix that fails here does not stand."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.analysis import FileReport, compile_fault
from sophia_cli.fixers.mending.compose import OwnedEdit, original_offset
from sophia_cli.project.source import SourceText, decode


@dataclass(frozen=True, slots=True)
class Version:
    """A file's bytes and what the analysis says about them; a file that does not exist has none."""

    data: bytes
    report: FileReport
    exists: bool = True


def objection(before: Version, after: Version, edits: Sequence[OwnedEdit]) -> str | None:
    """Return why `after` must not replace `before`, None when it may; `edits` lead from one to the other.

    A file that compiled must still compile and have no more findings. A broken one must compile, or break strictly
    later than it did.
    """
    if before.report.compiles:
        if not after.report.compiles:
            return "the file would no longer compile"
        if len(after.report.findings) > len(before.report.findings):
            return "the file would have more findings than before"
        return None
    if after.report.compiles:
        return None
    old = _reach(before.data)
    new = _reach(after.data)
    if new is None or old is None:
        return None if old is not None else "the file would no longer compile"
    if new.decodes != old.decodes:
        return None if new.decodes else "the file could no longer be decoded"
    if original_offset(edits, new.offset) > old.offset:
        return None
    return "the file would break in the same place or before it"


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far Python reads a file: whether it decodes, and the byte offset of the first fault."""

    decodes: bool
    offset: int


def _reach(data: bytes) -> _Reach | None:
    """Return how far Python reads these bytes, None when they compile."""
    source = decode(data)
    if not isinstance(source, SourceText):
        return _Reach(False, source.offset)
    fault = compile_fault(source.text)
    if fault is None:
        return None
    lines = source.lines
    line = min(fault.line - 1, len(lines))
    before = "".join(text + ending for text, ending in zip(lines[:line], source.endings, strict=False))
    within = lines[line][: fault.column - 1] if line < len(lines) else ""
    return _Reach(True, (3 if source.bom else 0) + len((before + within).encode(source.encoding)))
