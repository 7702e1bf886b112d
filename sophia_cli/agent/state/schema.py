"""The tables of the agent's state, by version: each entry brings a database from the version before to its own."""

from __future__ import annotations

MIGRATIONS = (
    """
    CREATE TABLE services (
        name TEXT PRIMARY KEY, release INTEGER, previous INTEGER, good TEXT NOT NULL, is_stopped INTEGER NOT NULL,
        moved_port INTEGER, restarts INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE instances (
        name TEXT PRIMARY KEY, service TEXT NOT NULL, release INTEGER NOT NULL, number INTEGER NOT NULL,
        batch TEXT NOT NULL, role TEXT NOT NULL, pid INTEGER, start_ticks INTEGER, boot_id TEXT, private_port INTEGER,
        log_from INTEGER NOT NULL, was_ready INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE operation (
        only_one INTEGER PRIMARY KEY CHECK (only_one = 1), run_id TEXT NOT NULL, holder TEXT NOT NULL,
        since TEXT NOT NULL, journal TEXT NOT NULL
    );
    CREATE TABLE incidents (
        number INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, instance TEXT NOT NULL,
        release INTEGER NOT NULL, cause TEXT NOT NULL, detail TEXT NOT NULL, detected_at TEXT NOT NULL,
        closed_at TEXT, outcome TEXT, seconds REAL
    );
    CREATE INDEX incidents_open ON incidents (service) WHERE outcome IS NULL;
    CREATE TABLE incident_acts (
        incident INTEGER NOT NULL REFERENCES incidents (number) ON DELETE CASCADE, at TEXT NOT NULL,
        recovery TEXT NOT NULL
    );
    CREATE INDEX incident_acts_of ON incident_acts (incident);
    CREATE TABLE events (
        number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, service TEXT NOT NULL, kind TEXT NOT NULL,
        detail TEXT NOT NULL
    );
    """,
)
VERSION = len(MIGRATIONS)
TABLES = ("services", "instances", "operation", "incidents", "incident_acts", "events")
