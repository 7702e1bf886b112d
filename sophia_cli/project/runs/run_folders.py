"""The runs of a project: their folders, which of them there are, and the one that is asked for."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import assert_never

from sophia_cli.core.errors import SophiaError, UnavailableError, UsageError
from sophia_cli.project.runs.journal import JOURNAL_NAME, JournalContent, read_journal
from sophia_cli.project.runs.pruned import PrunedRun
from sophia_cli.project.runs.run_record import RunRecord, RunState, tell
from sophia_cli.project.state_folder import StateFolder, Subfolder

_RUN_ID = re.compile(r"[0-9a-f]{4,16}")


def run_folder(state: StateFolder, run_id: str) -> Path:
    """Return where a run keeps its journal."""
    return state.subfolder(Subfolder.RUNS) / run_id


def packages_folder(state: StateFolder, run_id: str) -> Path:
    """Return where a run keeps what it needs to restore packages."""
    return run_folder(state, run_id) / "packages"


def run_ids(state: StateFolder) -> tuple[str, ...]:
    """Return the ids of all runs that have a folder, sorted by name; nothing when there is no state folder."""
    if not (state.exists() and state.has(Subfolder.RUNS)):
        return ()
    try:
        with os.scandir(state.subfolder(Subfolder.RUNS)) as found:
            return tuple(sorted(e.name for e in found if _RUN_ID.fullmatch(e.name) and e.is_dir(follow_symlinks=False)))
    except (FileNotFoundError, PermissionError):
        return ()


def read_run(state: StateFolder, run_id: str) -> RunRecord | None:
    """Return what a run's journal tells, or None when it holds no readable record (nothing was changed then)."""
    content = _content(state, run_id)
    return tell(run_id, content) if content.records else None


def _content(state: StateFolder, run_id: str) -> JournalContent:
    try:
        return read_journal(run_folder(state, run_id) / JOURNAL_NAME)
    except OSError as error:
        raise SophiaError(
            "journal-unreadable",
            f"the journal of run {run_id} cannot be read: {error.strerror}",
            hint="make it readable for you, then run again",
            location=str(run_folder(state, run_id) / JOURNAL_NAME),
        ) from error


def list_runs(root: Path) -> tuple[RunRecord, ...]:
    """Return the project's runs, oldest first, that changed something, are damaged or did not finish. Reads only.

    Runs whose journal is unreadable come first.

    Raises SophiaError when `.sophia` is refused, and when it or a journal cannot be read.
    """
    state = StateFolder(root)
    _require_readable(state)
    contents = ((run_id, _content(state, run_id)) for run_id in run_ids(state))
    runs = (tell(run_id, content) for run_id, content in contents if content.records or content.damaged)
    shown = [run for run in runs if _worth_showing(run)]
    return tuple(sorted(shown, key=lambda run: (run.number, run.id)))


def _require_readable(state: StateFolder) -> None:
    """Raise UnavailableError where runs may be that this user cannot see: none must not pass for no runs."""
    for folder in (state.path, state.subfolder(Subfolder.RUNS)):
        if os.path.lexists(folder) and not os.access(folder, os.R_OK | os.X_OK):
            raise UnavailableError(
                "state-folder-unavailable",
                f"`{folder}` cannot be read: {os.strerror(errno.EACCES)}",
                hint="the runs there belong to another user; run Sophia as that one, or make the folder yours",
                location=str(folder),
            )


def find_run(runs: Iterable[RunRecord], wanted: str, pruned: Iterable[PrunedRun] = ()) -> RunRecord:
    """Return the run whose id is or uniquely begins with `wanted`; UsageError names the known ids otherwise.

    `pruned` are runs that are not there any more: asking for one of them is told apart.
    """
    known = tuple(runs)
    exact = [run for run in known if run.id == wanted]
    matching = exact or [run for run in known if wanted and run.id.startswith(wanted)]
    if len(matching) == 1:
        return matching[0]
    ids = ", ".join(run.id for run in known) or "none"
    if matching:
        hits = ", ".join(run.id for run in matching)
        raise UsageError("ambiguous-run", f"run `{wanted}` could be any of {hits}", hint="give more of the id")
    gone = [run for run in pruned if wanted and run.id.startswith(wanted)]
    if gone:
        raise UsageError(
            "run-pruned",
            f"run {gone[-1].id} was pruned on {gone[-1].day}, so it cannot be undone any more",
            hint=f"old runs make room for others; known runs: {ids}",
        )
    raise UsageError("unknown-run", f"there is no run `{wanted}`", hint=f"known runs: {ids}")


def _worth_showing(run: RunRecord) -> bool:
    match run.state:
        case RunState.ABORTED:
            return bool(run.kept)
        case RunState.COMMITTED:
            return bool(run.files or run.packages or run.damaged)
        case RunState.UNFINISHED | RunState.UNDOING | RunState.UNDONE | RunState.PARTLY_UNDONE | RunState.UNREADABLE:
            return True
        case _:
            assert_never(run.state)
