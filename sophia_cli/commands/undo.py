"""`sophia undo`: takes back what a run of `fix` changed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from sophia_cli.commands.command_line.options import (
    FormatOption,
    InProject,
    Json,
    OutputFile,
    Quiet,
    Verbose,
    Wait,
    Yes,
    seconds,
)
from sophia_cli.commands.command_line.output import (
    Format,
    chosen_format,
    has_colours,
    require_writable,
    write_result,
)
from sophia_cli.commands.command_line.parameters import Argument, option
from sophia_cli.commands.command_line.stopping import ended_like_ctrl_c
from sophia_cli.commands.fixing.recovered import recovery_line
from sophia_cli.core.errors import ExitCode, UsageError
from sophia_cli.core.report import Verdict
from sophia_cli.core.undo_report import KeptFile, RunLine, UndoReport
from sophia_cli.project.clock import Clock, SystemClock
from sophia_cli.project.locks import project_lock
from sophia_cli.project.root import find_root
from sophia_cli.project.runs.backups import Backups
from sophia_cli.project.runs.pruned import pruned_runs
from sophia_cli.project.runs.recovery import Recovered, recover_when_idle
from sophia_cli.project.runs.restore import Barred, Restorable, entry_to_restore, look, look_at_packages
from sophia_cli.project.runs.run_folders import list_runs, run_ids
from sophia_cli.project.runs.run_record import RunRecord, RunState
from sophia_cli.project.runs.undo import Kept, choose_run, undo_run
from sophia_cli.project.state_folder import StateFolder

HOLDER = "sophia undo"


def undo(
    run: Annotated[
        str | None,
        Argument(metavar="RUN", help="The run, or how its id begins; the last one when left out."),
    ] = None,
    list_: Annotated[bool, option("--list", help="List the runs of this project.")] = False,
    dry_run: Annotated[bool, option("--dry-run", help="Show what would be restored; write nothing.")] = False,
    project: InProject = Path(),
    wait: Wait = "10s",
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Take back what a run of `sophia fix` changed: files to the byte, packages to the set before.

    Files that were changed since are kept and named; the exit code is 4 then.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    wait_s = seconds(wait, "--wait")
    require_writable(output)
    if not os.path.lexists(project):
        raise UsageError("path-missing", f"`{project}` does not exist", hint="check the spelling of the path")
    root = find_root(project)
    if list_:
        if run is not None:
            raise UsageError("usage", "`--list` lists all runs; it takes none")
        report = _listed(root, clock, started)
    elif dry_run:
        report = _previewed(root, run, clock, started)
    else:
        report = _undone(root, run, wait_s, clock, started)
    write_result(_rendered(report, chosen, quiet, output is None), output)
    return int(report.exit_code)


def _listed(root: Path, clock: Clock, started: float) -> UndoReport:
    recovered = recover_when_idle(root, HOLDER, clock)
    runs = tuple(
        RunLine(
            id=run.id,
            stamp=run.stamp,
            command=run.command,
            state=_state(run),
            files=len(run.files),
            summary=run.summary,
            packages=0 if run.packages is None else len(run.packages.changes),
        )
        for run in list_runs(root)
    )
    return UndoReport(
        verdict=Verdict.LISTED,
        exit_code=ExitCode.DONE,
        duration_s=clock.monotonic() - started,
        run_id=None,
        dry_run=False,
        recovered=_lines(recovered),
        runs=runs,
    )


def _state(run: RunRecord) -> str:
    # What nobody works on any more was settled before the list was made.
    return "running" if run.state is RunState.UNFINISHED else run.state.value


def _previewed(root: Path, wanted: str | None, clock: Clock, started: float) -> UndoReport:
    recovered = recover_when_idle(root, HOLDER, clock)
    run = choose_run(list_runs(root), wanted, pruned_runs(StateFolder(root)))
    backups = Backups(StateFolder(root))
    restored: list[str] = []
    kept: list[KeptFile] = []
    for entry in run.entries:
        if entry.final == entry.original or entry.path in run.restored:
            continue
        match look(root, entry_to_restore(entry, frozenset({entry.final}), backups)):
            case Restorable():
                restored.append(entry.path)
            case Kept() | Barred() as left:
                kept.append(KeptFile(left.path, left.reason))
    packages = look_at_packages(StateFolder(root), run)
    kept += [KeptFile(one.path, one.reason) for one in (*packages.kept, *packages.barred)]
    return UndoReport(
        verdict=Verdict.INCOMPLETE if kept else Verdict.WOULD_CHANGE,
        exit_code=ExitCode.UNDO_INCOMPLETE if kept else ExitCode.FINDINGS,
        duration_s=clock.monotonic() - started,
        run_id=run.id,
        dry_run=True,
        restored=tuple(restored),
        kept=tuple(kept),
        recovered=_lines(recovered),
        packages=packages.restored,
        removed=tuple(entry.path for entry in run.entries if entry.is_created and entry.path in restored),
    )


def _undone(root: Path, wanted: str | None, wait_s: float, clock: Clock, started: float) -> UndoReport:
    if not run_ids(StateFolder(root)):
        # Taking the lock would create the state folder.
        choose_run(list_runs(root), wanted, pruned_runs(StateFolder(root)))
    with ended_like_ctrl_c(), project_lock(root, HOLDER, wait_s, clock) as lock:
        result = undo_run(lock, wanted, clock.now)
    return UndoReport(
        verdict=Verdict.INCOMPLETE if result.kept else Verdict.UNDONE,
        exit_code=ExitCode.UNDO_INCOMPLETE if result.kept else ExitCode.DONE,
        duration_s=clock.monotonic() - started,
        run_id=result.run_id,
        dry_run=False,
        restored=result.restored,
        kept=tuple(KeptFile(kept.path, kept.reason) for kept in result.kept),
        recovered=_lines(result.recovered),
        packages=result.packages,
        removed=result.removed,
    )


def _lines(recovered: tuple[Recovered, ...]) -> tuple[str, ...]:
    return tuple(recovery_line(item) for item in recovered)


def _rendered(report: UndoReport, chosen: Format, quiet: bool, to_stdout: bool) -> str:
    from sophia_cli.render.undo import undo_json, undo_text

    if chosen is Format.JSON:
        return undo_json(report)
    from sophia_cli.render.style import Style

    text = undo_text(report, Style(colours=to_stdout and has_colours(sys.stdout, os.environ)))
    return text.splitlines(keepends=True)[-1] if quiet and report.verdict is not Verdict.LISTED else text
