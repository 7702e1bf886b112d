"""The SQLite file of the agent's state: opened, brought to the present version, or moved aside when it is broken."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sophia_cli.agent.state.schema import MIGRATIONS, TABLES, VERSION
from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.values import dataclass

# A reader of the same file may hold it for a moment.
_BUSY_S = 2.0
_BROKEN = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
_PRIMARY_CODE = 0xFF


class StateNotWritten(SophiaError):
    """The state could not be written or read (disk full, file gone); what was written before is intact."""

    exit_code = ExitCode.UNAVAILABLE

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            "state-not-written",
            f"the agent's state `{path}` cannot be written: {reason}",
            hint="free some space or make it writable; services go on meanwhile",
            location=str(path),
        )


class StateBroken(SophiaError):
    """The file turned out to be broken while it was in use; opening it again moves it aside."""

    exit_code = ExitCode.UNAVAILABLE

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            "state-broken",
            f"the agent's state `{path}` is broken: {reason}",
            hint="restart the agent; it keeps the broken file and rebuilds its state from the running processes",
            location=str(path),
        )


class StateTooNew(SophiaError):
    """A later version of Sophia wrote the file."""

    exit_code = ExitCode.UNAVAILABLE

    def __init__(self, path: Path, version: int) -> None:
        super().__init__(
            "state-too-new",
            f"the agent's state `{path}` has version {version}, this Sophia knows {VERSION}",
            hint="use the version of Sophia that wrote it, or move the file away to begin with the running processes",
            location=str(path),
        )


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A broken file that was moved aside, and what was wrong with it."""

    path: Path
    reason: str


def translated(error: sqlite3.Error, path: Path) -> SophiaError:
    """Return the error of ours that an error of SQLite stands for."""
    if _is_broken(error):
        return StateBroken(path, str(error))
    return StateNotWritten(path, str(error))


@dataclass(frozen=True, slots=True)
class Opened:
    """An open state; `is_fresh` when it has no past, `quarantined` when that is because a broken one was found."""

    connection: sqlite3.Connection
    is_fresh: bool
    quarantined: Quarantined | None


def open_file(path: Path) -> Opened:
    """Open the state, made when absent (mode 0600); a broken file is moved aside and an empty one made.

    Raises StateTooNew, or StateNotWritten when the place cannot be written.
    """
    try:
        return Opened(*_opened(path), None)
    except sqlite3.Error as error:
        if not _is_broken(error):
            raise StateNotWritten(path, str(error)) from error
        reason = str(error)
    except OSError as error:
        raise StateNotWritten(path, error.strerror or str(error)) from error
    try:
        quarantined = Quarantined(_move_aside(path), reason)
        return Opened(*_opened(path), quarantined)
    except (sqlite3.Error, OSError) as error:
        raise StateNotWritten(path, str(error)) from error


def _opened(path: Path) -> tuple[sqlite3.Connection, bool]:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    is_empty = os.fstat(file).st_size == 0
    os.close(file)
    # Statements begin and end transactions themselves.
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, cached_statements=32)
    try:
        if is_empty:
            # Nothing is lost with it: a power cut while it is made leaves a file that is moved aside.
            connection.execute("PRAGMA synchronous = OFF")
        for pragma in (
            "journal_mode = WAL",
            "foreign_keys = ON",
            "cache_size = -256",
            "journal_size_limit = 1048576",
        ):
            connection.execute(f"PRAGMA {pragma}")
        _check(connection)
        is_fresh = _migrate(connection, path)
        # A killed agent loses nothing; a power cut may take the last commits, and the processes with them.
        connection.execute("PRAGMA synchronous = NORMAL")
    except (sqlite3.Error, SophiaError):
        connection.close()
        raise
    return connection, is_fresh


def _check(connection: sqlite3.Connection) -> None:
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer[0] != "ok":
        raise _Damaged(str(answer[0]))


def _migrate(connection: sqlite3.Connection, path: Path) -> bool:
    """Bring the file to the present version; return whether it was empty."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise StateTooNew(path, version)
    for number in range(version, VERSION):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in MIGRATIONS[number].split(";"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    there = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not there.issuperset(TABLES):
        raise _Damaged(f"without the table {sorted(set(TABLES) - there)[0]}")
    return version == 0


class _Damaged(sqlite3.DatabaseError):
    """SQLite reads the file, but it is not whole."""


def _is_broken(error: sqlite3.Error) -> bool:
    if isinstance(error, _Damaged):
        return True
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & _PRIMARY_CODE in _BROKEN


def _move_aside(path: Path) -> Path:
    number = 1
    while (goal := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    os.rename(path, goal)
    # The log belongs to the file: left behind, it would be played into the fresh one.
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            os.rename(beside, goal.with_name(goal.name + suffix))
    return goal
