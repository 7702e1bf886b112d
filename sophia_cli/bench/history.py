"""Every run of `sophia bench`, kept in `.sophia/bench.db` with the machine, the commit and the settings."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from sophia_cli.bench.run import BenchPlan
from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.measurement_report import BenchRow
from sophia_cli.core.values import dataclass
from sophia_cli.project.history.repository import find_repository, head_commit
from sophia_cli.project.state_folder import StateFolder

FILE_NAME = "bench.db"
# Runs without a name beyond that are forgotten, the oldest first.
MOST_RUNS = 1_000
_BUSY_S = 5.0
_TABLE = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, started TEXT NOT NULL, name TEXT, service TEXT NOT NULL, url TEXT NOT NULL,
    url_hash TEXT NOT NULL, settings TEXT NOT NULL, machine TEXT NOT NULL, git_commit TEXT, grade TEXT, refused TEXT,
    figures TEXT NOT NULL, windows TEXT NOT NULL
)"""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What has to be equal for two runs to be compared: what was loaded, how, and from which machine."""

    url_hash: str
    settings: str
    machine: str


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run of the past. `medians_ms` is p50 of every window under load."""

    id: str
    started: str
    name: str | None
    conditions: Conditions
    commit: str | None
    refused: str | None
    medians_ms: tuple[float, ...]


def conditions_of(plan: BenchPlan, asked: str, url: str) -> Conditions:
    """Return the conditions of a run on this machine; of what is `asked` (empty for a plain GET) a hash is kept."""
    settings: dict[str, object] = {"connections": plan.connections, "rate": plan.rate}
    if asked:
        settings["request"] = _hash(asked)
    system = os.uname()
    machine = f"{system.nodename} {system.sysname} {system.machine} {os.cpu_count()} cpus, Python {sys.version_info[0]}"
    return Conditions(_hash(url), json.dumps(settings), machine)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def without_query(url: str) -> str:
    """Return a URL without its query string, which may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


class BenchHistory:
    """The runs of a project. Every method raises UnavailableError (`bench-history-unusable`) when they are unreadable.

    Of a URL with a query string only the hash is kept beside what `without_query` leaves.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._state = StateFolder(root)

    @property
    def path(self) -> Path:
        """Where the runs are kept."""
        return self._state.path / FILE_NAME

    def keep(
        self, run_id: str, name: str | None, row: BenchRow, conditions: Conditions, figures: str, now: datetime
    ) -> None:
        """Add a run; a name is taken over from an earlier one of its service. `figures` is the row as JSON."""
        repository = find_repository(self._root)
        windows = [[w.answers, w.failures, w.p50, w.p95, w.p99] for w in row.loaded.seconds]
        grade = None if row.grade is None else row.grade.letter.value
        self._state.ensure()
        with self._open() as database:
            database.execute(_TABLE)
            if name is not None:
                database.execute("UPDATE runs SET name = NULL WHERE name = ? AND service = ?", (name, row.name))
            database.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    now.isoformat(),
                    name,
                    row.name,
                    without_query(row.url),
                    conditions.url_hash,
                    conditions.settings,
                    conditions.machine,
                    None if repository is None else head_commit(repository),
                    grade,
                    row.refused,
                    figures,
                    json.dumps(windows),
                ),
            )
            database.execute(
                "DELETE FROM runs WHERE name IS NULL AND id NOT IN"
                " (SELECT id FROM runs WHERE name IS NULL ORDER BY started DESC LIMIT ?)",
                (MOST_RUNS,),
            )

    def named(self, name: str, service: str | None) -> KeptRun | None:
        """Return the run of a name, that of this service where several services have one; None when there is none."""
        of_service = None if service is None else self._one("name = ? AND service = ?", (name, service))
        return of_service or self._one("name = ?", (name,))

    def last(self, conditions: Conditions) -> KeptRun | None:
        """Return the last run under these conditions that was not refused; None when there is none."""
        where = "url_hash = ? AND settings = ? AND machine = ? AND refused IS NULL"
        return self._one(where, (conditions.url_hash, conditions.settings, conditions.machine))

    def medians_like(self, kept: KeptRun) -> tuple[float, ...]:
        """Return the medians of the runs under the same conditions and of the same commit as one of them."""
        with self._open() as database:
            rows = database.execute(
                "SELECT windows FROM runs WHERE url_hash = ? AND settings = ? AND machine = ? AND git_commit IS ?"
                " AND refused IS NULL",
                (kept.conditions.url_hash, kept.conditions.settings, kept.conditions.machine, kept.commit),
            ).fetchall()
            runs = [_medians(windows) for (windows,) in rows]
        return tuple(median(medians) for medians in runs if medians)

    def _one(self, where: str, values: tuple[str, ...]) -> KeptRun | None:
        if not self._state.exists() or not self.path.exists():
            return None
        columns = "id, started, name, url_hash, settings, machine, git_commit, refused, windows"
        with self._open() as database:
            # `where` is one of the texts above; what comes from outside is bound.
            found = database.execute(
                f"SELECT {columns} FROM runs WHERE {where} ORDER BY started DESC LIMIT 1", values
            ).fetchone()
            if found is None:
                return None
            run, started, known, url_hash, settings, machine, commit, refused, windows = found
            medians = _medians(windows)
        return KeptRun(run, started, known, Conditions(url_hash, settings, machine), commit, refused, medians)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            database = sqlite3.connect(self.path, timeout=_BUSY_S)
            try:
                with database:
                    yield database
            finally:
                database.close()
        except (sqlite3.Error, ValueError, TypeError, IndexError) as error:
            raise UnavailableError(
                "bench-history-unusable",
                f"the runs in `{self.path}` cannot be used: {error}",
                hint="move that file away; runs are then kept in one of their own",
                location=str(self.path),
            ) from error


def _medians(windows: str) -> tuple[float, ...]:
    return tuple(float(window[2]) for window in json.loads(windows) if window[2])
