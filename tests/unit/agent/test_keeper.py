"""What the agent remembers while the disk is full or the state breaks: nothing is mixed, and nothing is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sophia_cli.agent.operations.slot import Holder
from sophia_cli.agent.state.chronicle import MOST_WAITING, Acted, Chronicle, Closed, Event, Opened, Told
from sophia_cli.agent.state.file import StateNotWritten
from sophia_cli.agent.state.keeper import Keeper
from sophia_cli.agent.state.rows import EventRow
from sophia_cli.agent.state.store import StateStore
from sophia_cli.deploy.known_releases import STATE_FILE
from sophia_cli.deploy.rollout import Handover, Rollout, Work
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.state_folder import StateFolder

AT = "2026-01-01T00:00:00+00:00"
WORK = Work("api", 2, 1, Handover.ATTACH, 1, 1, replaces=False, gates=False, soak_s=0.0)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    """The state folder of a project on a file system of half a megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("no `mount` on this machine")
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
    try:
        folder = StateFolder(place)
        folder.ensure()
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(place)], timeout=20, check=True)


@contextlib.contextmanager
def full_disk(state: StateFolder, keeper: Keeper) -> Iterator[None]:
    """Have the disk full within the block, and the room that the state file still has used up."""
    filler = state.root / "filler"
    with open(filler, "wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(bytes(4096)):
            pass
    while keeper.note is None:
        keeper.event("api", "filler", "x" * 4000)
    yield
    os.unlink(filler)


def test_events_and_incidents_of_a_full_disk_are_written_once_there_is_room(state: StateFolder) -> None:
    with Keeper.open(state, SystemClock()) as keeper:
        seen: list[EventRow] = []
        with full_disk(state, keeper):
            keeper.watch_events(seen.append)
            keeper.event("api", "first", "while the disk is full")
            keeper.record("api", "exited", "exit code 3", release=1, acts=("restart",), seconds=0.5)
            assert keeper.incidents(10) == ()
            assert keeper.note is not None
            assert "wait in memory" in keeper.note
        keeper.flush()
        assert keeper.note is None
        assert [row.kind for row in seen if row.kind != "filler"] == ["first", "incident-closed"]
        (incident,) = keeper.incidents(10)
        assert (incident.cause, incident.outcome) == ("exited", "recovered")
        assert [act.recovery for act in incident.acts] == ["restart"]


def test_an_operation_that_ended_on_a_full_disk_is_not_resumed_by_the_next_agent(state: StateFolder) -> None:
    with Keeper.open(state, SystemClock()) as keeper:
        keeper.operation_begun("run1", Holder(1, "sophia deploy", AT))
        keeper.save_rollouts("run1", [Rollout(WORK)])
        with full_disk(state, keeper):
            keeper.operation_over("run1")
        keeper.flush()
    with Keeper.open(state, SystemClock()) as later:
        assert later.pending() is None


def test_a_step_that_cannot_be_written_is_refused_and_the_way_back_is_written_later(state: StateFolder) -> None:
    with Keeper.open(state, SystemClock()) as keeper:
        keeper.operation_begun("run1", Holder(1, "sophia deploy", AT))
        keeper.save_rollouts("run1", [Rollout(WORK)])
        with full_disk(state, keeper), pytest.raises(StateNotWritten):
            keeper.save_rollouts("run1", [Rollout(WORK, done=3)])
        keeper.flush()
    with Keeper.open(state, SystemClock()) as later:
        pending = later.pending()
        assert pending is not None
        assert [rollout.done for rollout in pending.rollouts] == [3]


def test_a_state_that_breaks_in_use_is_put_aside_and_written_anew(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.ensure()
    path = state.path / STATE_FILE
    with Keeper.open(state, SystemClock()) as keeper:
        keeper.operation_begun("run1", Holder(1, "sophia deploy", AT))
        keeper.save_rollouts("run1", [Rollout(WORK)])
        for number in range(100):
            # More than is kept of the file in memory.
            keeper.event("api", "noise", f"{number}" * 4000)
    with Keeper.open(state, SystemClock()) as keeper:
        with path.open("r+b") as file:
            file.write(b"\xff" * path.stat().st_size)
        for number in range(10):
            keeper.event("api", "later", f"after the damage, {number}")
        assert keeper.note is None
        keeper.save_rollouts("run1", [Rollout(WORK, done=2)])
    assert path.with_name(f"{path.name}.broken-1").exists()
    with Keeper.open(state, SystemClock()) as later:
        pending = later.pending()
        assert pending is not None
        assert [rollout.done for rollout in pending.rollouts] == [2]
        kinds = [row.kind for row in later.events(100)]
        assert (kinds.count("state-lost"), kinds.count("later")) == (1, 10)


def test_of_too_much_that_waits_the_oldest_goes_and_that_is_told(tmp_path: Path) -> None:
    seen: list[EventRow] = []
    chronicle = Chronicle(seen.append)
    incident = Told()
    chronicle.add([Opened(incident, AT, "api", "api-1-0", 1, "exited", "exit code 3")])
    chronicle.add([Event(AT, "api", "noise", str(number)) for number in range(MOST_WAITING)])
    chronicle.add([Acted(incident, AT, "restart"), Closed(incident, AT, "recovered", 0.1)])
    assert (chronicle.waiting, chronicle.lost) == (MOST_WAITING, 3)
    with StateStore(tmp_path / "state.db") as store:
        chronicle.write(store, AT)
        assert store.incidents(10) == ()
        assert store.events(1)[0].detail.startswith("3 events")
    assert (chronicle.waiting, chronicle.lost) == (0, 0)
    assert len(seen) == MOST_WAITING - 1
