"""Which releases serve, as the agent wrote it down last: for commands that only look while no agent runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sophia_cli.core.values import dataclass

STATE_FILE = "agent.sqlite"


@dataclass(frozen=True, slots=True)
class KnownRelease:
    """A service, the release that is to serve, the one before it, and whether somebody stopped it."""

    service: str
    release: int
    previous: int | None
    is_stopped: bool


def known_releases(state: Path) -> tuple[KnownRelease, ...]:
    """Return the services that were deployed; none when there is no state that can be read."""
    path = state / STATE_FILE
    if not path.is_file():
        return ()
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2.0)
        try:
            statement = "SELECT name, release, previous, is_stopped FROM services WHERE release IS NOT NULL"
            rows = connection.execute(statement).fetchall()
        finally:
            connection.close()
    except sqlite3.Error:
        # Broken or of another version: the agent puts that right when it starts.
        return ()
    return tuple(
        KnownRelease(str(name), int(release), None if previous is None else int(previous), bool(is_stopped))
        for name, release, previous, is_stopped in rows
    )
