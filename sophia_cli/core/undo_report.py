"""What `sophia undo` reports."""

from __future__ import annotations

from sophia_cli.core.errors import ExitCode
from sophia_cli.core.report import Verdict
from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that an undo left alone, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in the list: `stamp` is when it began (UTC, ISO 8601); `files` and `packages` count what it changed."""

    id: str
    stamp: str
    command: str
    state: str
    files: int
    summary: str
    packages: int = 0


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What `sophia undo` did or, in a dry run, would do; `runs` is filled for `--list` only.

    `packages` are the names of those in the environment that are as they were before the run, `removed` those of the
    restored files that the run had created.
    """

    verdict: Verdict
    exit_code: ExitCode
    duration_s: float
    run_id: str | None
    dry_run: bool
    restored: tuple[str, ...] = ()
    kept: tuple[KeptFile, ...] = ()
    recovered: tuple[str, ...] = ()
    runs: tuple[RunLine, ...] = ()
    packages: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
