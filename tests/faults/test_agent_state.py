"""What the agent has written down: lost, broken or out of date; ports and copies that others laid hands on."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_project import Callers, Commands, FaultyServices, is_alive, is_refused
from small_disk import mount_small_disk
from waiting import LIMIT_S, eventually

SIZE_KB = 6000


@pytest.fixture
def small_shop(tmp_path: Path, commands: Commands) -> Iterator[FaultyServices]:
    """The project on a private file system of a few megabytes."""
    place = tmp_path / "small"
    mount_small_disk(place, SIZE_KB)
    project = FaultyServices(place, commands)
    try:
        yield project
    finally:
        project.close()
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_keeps_no_service_down_and_loses_no_state(small_shop: FaultyServices) -> None:
    shop = small_shop
    shop.declare()
    shop.deployed()
    before = shop.pid()
    filler = _fill(shop.root)
    os.kill(before, signal.SIGKILL)
    after = shop.next_pid(before)
    shop.release(2)
    refused = shop.run("deploy")
    assert refused.code not in (0, 70), refused
    assert shop.pid() == after
    filler.unlink()
    shop.kill_agent()
    shop.agent_started()
    assert shop.status()["pid"] == after
    assert shop.status()["release"] == 1
    shop.release(3)
    shop.deployed()
    assert shop.facts()["version"] == "3"


def test_an_agent_killed_on_a_full_disk_is_followed_by_one_that_finds_what_runs(small_shop: FaultyServices) -> None:
    shop = small_shop
    shop.declare()
    shop.deployed()
    before = shop.pid()
    filler = _fill(shop.root)
    os.kill(before, signal.SIGKILL)
    after = shop.next_pid(before)
    shop.kill_agent()
    filler.unlink()
    shop.agent_started()
    assert shop.status()["pid"] == after
    assert shop.processes() == [after]


@pytest.mark.parametrize("damage", ["garbage", "truncated", "missing"])
def test_a_state_that_is_broken_is_put_aside_and_rebuilt_from_what_runs(shop: FaultyServices, damage: str) -> None:
    shop.declare()
    shop.deployed()
    before = shop.pid()
    with Callers(shop) as callers:
        shop.kill_agent()
        _damage(shop.root / ".sophia" / "agent.sqlite", damage)
        shop.agent_started()
        status = shop.reaches("running")
    assert callers.failures == []
    assert (status["pid"], status["release"], status["state"]) == (before, 1, "running")
    assert (shop.root / ".sophia" / "agent.sqlite.broken-1").exists() is (damage == "garbage")
    shop.release(2)
    shop.deployed()
    assert shop.facts()["release"] == "2"
    eventually(lambda: shop.processes() == [shop.pid()])


def test_a_state_that_breaks_under_the_agent_keeps_no_service_down(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    before, agent = shop.pid(), shop.agent_pid()
    _damage(shop.root / ".sophia" / "agent.sqlite", "overwritten")
    os.kill(before, signal.SIGKILL)
    after = shop.next_pid(before)
    assert shop.status()["pid"] == after
    assert shop.agent_pid() == agent


def test_half_written_settings_are_refused_and_services_go_on(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    before = shop.pid()
    whole = (shop.root / "sophia.toml").read_text()
    with Callers(shop) as callers:
        for end in (len(whole) // 3, len(whole) // 2, len(whole) - 8):
            shop.write("sophia.toml", whole[:end])
            refused = shop.run("deploy")
            assert refused.code == 2, (whole[:end], refused)
    assert callers.failures == []
    assert shop.pid() == before
    assert shop.has_agent()


def test_a_recycled_process_number_is_never_signalled(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    before = shop.pid()
    shop.kill_agent()
    os.kill(before, signal.SIGKILL)
    with subprocess.Popen(["sleep", "3600"]) as stranger:
        # The kernel gave the number of the dead service to somebody else.
        with contextlib.closing(sqlite3.connect(shop.root / ".sophia" / "agent.sqlite")) as state, state:
            state.execute("UPDATE instances SET pid = ?", (stranger.pid,))
        shop.agent_started()
        shop.next_pid(before)
        assert shop.run("restart", "web").code == 0
        assert shop.run("stop", "web").code == 0
        assert is_alive(stranger.pid)
        stranger.kill()
    assert stranger.returncode == -signal.SIGKILL


def test_a_port_that_was_taken_while_nobody_ran_is_named_and_taken_back_later(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    before = shop.pid()
    _leave_nobody(shop, before)
    with socket.create_server(("127.0.0.1", shop.port)):
        shop.agent_started()
        eventually(lambda: f"pid {os.getpid()}" in (shop.status()["reason"] or ""))
        assert shop.status()["state"] != "running"
    assert shop.run("restart", "web").code == 0
    eventually(lambda: shop.processes() == [shop.pid()])


def test_a_service_moves_away_from_a_port_that_was_taken_and_others_are_told(shop: FaultyServices) -> None:
    more = f'[services.shelf]\ncommand = "python web.py"\nport = {shop.other_port}\nsoak = "0s"\ndepends_on = ["web"]\n'
    shop.declare('on_port_conflict = "move"', more)
    shop.deployed()
    _leave_nobody(shop, shop.pid())
    with socket.create_server(("127.0.0.1", shop.port)):
        shop.agent_started()
        status = shop.reaches("running")
        assert status["port"] not in (shop.port, None)
        assert f"pid {os.getpid()}" in eventually(lambda: shop.events("port-moved"))[0]
        moved = f"http://127.0.0.1:{status['port']}"
        eventually(lambda: _url_of_web(shop) == moved)


def test_a_second_deployment_waits_for_the_first_or_names_it(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    gate = shop.root / "gate"
    shop.declare(f'start_timeout = "10m"\nenv = {{ STARTS_ONCE = "{gate}" }}')
    with shop.start("deploy") as first:
        eventually(lambda: "sophia deploy" in (shop.run("agent", "status").document.get("busy_with") or ""))
        refused = shop.run("restart", "web", "--wait", "0s")
        assert refused.code == 75
        assert f"pid {first.pid}" in refused.document["error"]["message"]
        with shop.start("restart", "web", "--wait", "10m") as second:
            # It says whom it waits for.
            assert second.stderr is not None
            assert f"pid {first.pid}" in second.stderr.readline()
            gate.touch()
            second.communicate(timeout=LIMIT_S)
        assert second.returncode == 0
        first.communicate(timeout=LIMIT_S)
    assert first.returncode == 0
    eventually(lambda: shop.processes() == [shop.pid()])


def test_an_edited_copy_of_a_release_is_told_with_its_difference_and_restored(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    copy = shop.root / ".sophia" / "releases" / "web" / "1" / "tree" / "web.py"
    # The first start believes what has just been written; whatever comes after it looks.
    assert not (copy.parent.parent / "seen-intact.json").exists()
    copy.write_text(copy.read_text().replace("VERSION = 1", "VERSION = 'edited'"))
    before = shop.pid()
    os.kill(before, signal.SIGKILL)
    shop.next_pid(before)
    assert shop.facts()["version"] == "1"
    assert "VERSION = 1" in copy.read_text()
    assert "+VERSION = 'edited'" in eventually(lambda: shop.events("release-edited"))[0]
    eventually(lambda: ("release-edited", "recovered") in shop.incidents())


def _fill(root: Path) -> Path:
    filler = root / "filler"
    with open(filler, "wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(bytes(4096)):
            pass
    return filler


def _damage(path: Path, damage: str) -> None:
    if damage == "overwritten":
        with path.open("r+b") as file:
            file.write(os.urandom(path.stat().st_size))
        return
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    if damage == "garbage":
        path.write_bytes(b"this was a state " * 4096)
    elif damage == "truncated":
        path.write_bytes(b"")
    else:
        path.unlink()


def _leave_nobody(shop: FaultyServices, pid: int) -> None:
    shop.kill_agent()
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid))
    eventually(lambda: is_refused(shop.port))


def _url_of_web(shop: FaultyServices) -> str:
    try:
        return shop.facts(shop.other_port)["web"]
    except OSError:
        return ""
