"""The agent's state: what was written is read back, failures leave the old state, broken files are set aside."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sophia_cli.agent.state.file import StateBroken, StateNotWritten, StateTooNew
from sophia_cli.agent.state.rows import IncidentAct, InstanceRow, OperationRow, ServiceRow
from sophia_cli.agent.state.schema import TABLES, VERSION
from sophia_cli.agent.state.store import StateStore
from sophia_cli.core.service_status import Role
from sophia_cli.project.host.identity import ProcessIdentity

SERVICE = ServiceRow("api", 4, 3, (1, 3), True, 9100, 7)
INSTANCE = InstanceRow("api-4-0", "api", 4, 0, "run1", Role.ACTIVE, ProcessIdentity(7, 99, "b"), 4001, 12, True)
OPERATION = OperationRow("run1", "sophia deploy", "2026-01-01T00:00:00+00:00", '{"done": 1}')
AT = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def filled(path: Path) -> None:
    with StateStore(path) as store:
        store.save_service(SERVICE)
        store.save_instance(INSTANCE)
        store.save_operation(OPERATION)


def test_what_was_written_is_read_back_later(path: Path) -> None:
    filled(path)
    bare = ServiceRow("worker", None)
    unborn = replace(INSTANCE, name="api-4-1", identity=None, private_port=None, role=Role.CANDIDATE, was_ready=False)
    with StateStore(path) as store:
        store.save_service(bare)
        store.save_instance(unborn)
    with StateStore(path) as store:
        assert store.quarantined is None
        assert store.services() == (SERVICE, bare)
        assert store.instances() == (INSTANCE, unborn)
        assert store.operation() == OPERATION


def test_a_state_without_a_past_says_so(path: Path) -> None:
    with StateStore(path) as store:
        assert store.is_fresh
    with StateStore(path) as store:
        assert not store.is_fresh
    path.write_bytes(b"broken" * 1000)
    with StateStore(path) as store:
        assert store.is_fresh


def test_the_state_is_private_to_the_user(path: Path) -> None:
    with StateStore(path) as store:
        store.save_service(SERVICE)
        files = list(path.parent.iterdir())
        assert len(files) > 1
        assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def test_a_row_takes_the_place_of_the_one_before(path: Path) -> None:
    filled(path)
    with StateStore(path) as store:
        later = replace(SERVICE, release=5, previous=4, is_stopped=False, moved_port=None)
        store.save_service(later)
        store.save_operation(replace(OPERATION, run_id="run2"))
        assert store.services() == (later,)
        # The end of an earlier operation does not take a later one away.
        store.drop_operation("run1")
        assert store.operation() == replace(OPERATION, run_id="run2")
        store.drop_operation("run2")
        assert store.operation() is None
        store.drop_instance(INSTANCE.name)
        store.drop_service("api")
        assert (store.instances(), store.services()) == ((), ())


def test_an_incident_is_followed_from_detection_to_recovery(path: Path) -> None:
    with StateStore(path) as store:
        first = store.open_incident("api", "api-4-0", 4, "exited", "signal 9", AT)
        second = store.open_incident("db", "db-1-0", 1, "hung", "timeout", AT)
        store.act_on_incident(first, AT, "restart")
        store.act_on_incident(first, AT, "give-up")
        store.act_on_incident(999, AT, "restart")
        assert [one.number for one in store.open_incidents()] == [second, first]
        store.close_incident(first, AT, "recovered", 0.25)
        store.close_incident(first, AT, "stopped", 99.0)
        assert [one.number for one in store.open_incidents()] == [second]
        assert store.open_incidents("api") == ()
        (incident,) = store.incidents(10, "api")
        assert (incident.outcome, incident.seconds, incident.closed_at) == ("recovered", 0.25, AT)
        assert incident.acts == (IncidentAct(AT, "restart"), IncidentAct(AT, "give-up"))
        assert len(store.incidents(1)) == 1


def test_events_are_read_from_a_number_on_and_the_oldest_make_room(path: Path) -> None:
    with StateStore(path) as store:
        with store.transaction():
            for number in range(2_100):
                store.add_event(AT, "api", "moved", str(number))
        kept = store.events(10_000)
        assert len(kept) == 2_000
        assert [event.detail for event in store.events(2, after=kept[-3].number)] == ["2098", "2099"]
        assert [event.detail for event in store.events(3)] == ["2097", "2098", "2099"]


def test_open_incidents_are_never_pruned(path: Path) -> None:
    with StateStore(path) as store:
        first = store.open_incident("api", "api-1-0", 1, "exited", "", AT)
        with store.transaction():
            for _ in range(2_050):
                store.close_incident(store.open_incident("db", "db-1-0", 1, "exited", "", AT), AT, "recovered", 1.0)
        assert [one.number for one in store.open_incidents()] == [first]
        assert len(store.incidents(10_000)) == 2_001


class Interrupted(Exception):
    pass


def write_half(store: StateStore) -> None:
    with store.transaction():
        store.save_service(SERVICE)
        store.save_instance(INSTANCE)
        raise Interrupted


def test_a_transaction_takes_effect_whole_or_not_at_all(path: Path) -> None:
    with StateStore(path) as store:
        with pytest.raises(Interrupted):
            write_half(store)
        assert (store.services(), store.instances()) == ((), ())
        with store.transaction():
            store.save_service(SERVICE)
            store.save_instance(INSTANCE)
        assert (store.services(), store.instances()) == ((SERVICE,), (INSTANCE,))


def broken_files() -> dict[str, bytes]:
    return {"text": b"no database at all, but long enough to be looked at\n" * 50, "zeros": bytes(8192)[:8191] + b"x"}


@pytest.mark.parametrize("kind", sorted(broken_files()))
def test_a_file_that_is_no_database_is_set_aside(path: Path, kind: str) -> None:
    path.write_bytes(broken_files()[kind])
    with StateStore(path) as store:
        assert store.quarantined is not None
        assert store.quarantined.reason
        assert store.quarantined.path.read_bytes() == broken_files()[kind]
        store.save_service(SERVICE)
    with StateStore(path) as store:
        assert store.quarantined is None
        assert store.services() == (SERVICE,)


def test_a_damaged_database_is_set_aside_and_every_broken_one_is_kept(path: Path) -> None:
    for number in (1, 2):
        with StateStore(path) as store, store.transaction():
            for index in range(200):
                store.save_service(replace(SERVICE, name=f"service-{index}"))
        content = bytearray(path.read_bytes())
        content[4096:-4096] = b"\xa5" * (len(content) - 8192)
        path.write_bytes(content)
        with StateStore(path) as store:
            assert store.quarantined is not None
            assert store.quarantined.path.name == f"state.db.broken-{number}"
            assert store.services() == ()


def test_a_database_without_our_tables_is_set_aside(path: Path) -> None:
    filled(path)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute(f"DROP TABLE {TABLES[0]}")
        other.commit()
    with StateStore(path) as store:
        assert store.quarantined is not None
        assert TABLES[0] in store.quarantined.reason


def test_a_state_of_a_later_version_is_left_alone(path: Path) -> None:
    filled(path)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(StateTooNew):
        StateStore(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StateNotWritten):
        StateStore(tmp_path / "absent" / "state.db")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StateNotWritten):
        StateStore(tmp_path / "folder")


def test_a_value_that_nobody_wrote_is_a_broken_state(path: Path) -> None:
    filled(path)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE instances SET role = 'king'")
        other.commit()
    with StateStore(path) as store, pytest.raises(StateBroken):
        store.instances()


KILLED = """
import os, signal, sys
from pathlib import Path
from sophia_cli.agent.state.rows import ServiceRow
from sophia_cli.agent.state.store import StateStore
store = StateStore(Path(sys.argv[1]))
store.save_service(ServiceRow("api", 1))
with store.transaction():
    store.save_service(ServiceRow("api", 2))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_agent_leaves_what_it_had_finished(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=300, check=False)
    assert done.returncode == -9
    with StateStore(path) as store:
        assert store.services() == (ServiceRow("api", 1),)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("no `mount` on this machine")
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], timeout=300, check=True)


def write_much(store: StateStore) -> None:
    for number in range(10_000):
        store.save_operation(replace(OPERATION, journal="x" * 2000 + str(number)))


def test_a_full_disk_leaves_the_old_state_and_is_survived(small_disk: Path) -> None:
    path = small_disk / "state.db"
    filled(path)
    with StateStore(path) as store:
        store.save_service(SERVICE)
        filler = small_disk / "filler"
        with open(filler, "wb", buffering=0) as stream, contextlib.suppress(OSError):
            while stream.write(bytes(4096)):
                pass
        with pytest.raises(StateNotWritten):
            write_much(store)
        assert store.services() == (SERVICE,)
        assert store.instances() == (INSTANCE,)
        os.unlink(filler)
        store.save_operation(replace(OPERATION, journal="after"))
    with StateStore(path) as store:
        assert store.quarantined is None
        assert store.operation() == replace(OPERATION, journal="after")
