"""Which runs were pruned: a short list of ids, so that an undo can say why there is nothing to take back."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from datetime import datetime

from sophia_cli.core.values import dataclass
from sophia_cli.project.state_folder import StateFolder, Subfolder, sync_folder

_NAME = "pruned"
_LINE = re.compile(r"([0-9a-f]{4,16}) (\d{4}-\d\d-\d\d)")
_MOST = 1000


@dataclass(frozen=True, slots=True)
class PrunedRun:
    """A run that is not there any more, and the day (UTC) on which it was removed."""

    id: str
    day: str


def pruned_runs(state: StateFolder) -> tuple[PrunedRun, ...]:
    """Return the runs that were pruned, oldest first; nothing where the list is missing or cannot be read."""
    if not state.exists():
        return ()
    try:
        file = os.open(state.subfolder(Subfolder.RUNS) / _NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(file, encoding="ascii", errors="replace") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return ()
    return tuple(PrunedRun(match[1], match[2]) for line in lines if (match := _LINE.fullmatch(line)))


def note_pruned(state: StateFolder, ids: Iterable[str], now: datetime) -> None:
    """Bring to the disk that these runs are about to be pruned; OSError when the disk refuses."""
    folder = state.writable(Subfolder.RUNS)
    known = {run.id: run for run in pruned_runs(state)}
    known.update({run_id: PrunedRun(run_id, f"{now:%Y-%m-%d}") for run_id in ids})
    text = "".join(f"{run.id} {run.day}\n" for run in list(known.values())[-_MOST:])
    copy = folder / f"{_NAME}.tmp"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(copy)
    file = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(copy, folder / _NAME)
    sync_folder(folder)
