"""Services that take memory, processes, descriptors or room on the disk, and what the agent lets them have."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
from pathlib import Path

import pytest
from agent_project import FaultyServices, is_alive
from waiting import eventually

from sophia_cli.project.host.cgroups import all_trees
from sophia_cli.project.host.proc_files import all_facts


def test_want_of_memory_is_named_and_the_service_restarted(shop: FaultyServices) -> None:
    if all_trees()[1]:
        pytest.skip("no control groups here; the next test is about memory that is watched")
    shop.declare('limits = { memory = "80MB" }')
    shop.deployed()
    before = shop.pid()
    with contextlib.suppress(OSError):
        shop.get("/eat/300")
    shop.next_pid(before)
    eventually(lambda: shop.incidents() == [("out-of-memory", "recovered")])


def test_memory_is_watched_where_the_kernel_sets_no_limit(shop: FaultyServices) -> None:
    shop.environment["SOPHIA_AGENT_WITHOUT"] = "cgroups"
    shop.declare('limits = { memory = "80MB" }')
    shop.deployed()
    before = shop.pid()
    # It may be killed before it has answered.
    with contextlib.suppress(OSError):
        shop.get("/eat/200")
    shop.next_pid(before)
    eventually(lambda: shop.incidents() == [("memory-limit", "recovered")])


def test_runaway_forks_are_capped_or_doctor_says_that_they_are_not(shop: FaultyServices) -> None:
    shop.declare("limits = { processes = 12 }")
    if any(one.controller == "pids" for one in all_trees()[0]):
        shop.deployed()
        made, error = shop.get("/forks/30").split(" ")
        assert (int(made) < 12, error) == (True, "BlockingIOError")
        assert len(shop.processes()) <= 12
        assert shop.run("restart", "web").code == 0
        eventually(lambda: shop.processes() == [shop.pid()])
        groups = shop.groups()
        assert groups
        assert shop.run("stop", "web").code == 0
        eventually(lambda: not [one for one in groups if one.exists()])
    checks = {check["name"]: check for check in shop.run("doctor").document["checks"]}
    assert (checks["limits"]["state"] == "ok") is (not all_trees()[1])


def test_processor_time_is_capped(shop: FaultyServices) -> None:
    if not any(one.controller == "cpu" for one in all_trees()[0]):
        pytest.skip("no control groups of processor time here")
    shop.declare("limits = { cpus = 0.2 }")
    shop.deployed()
    assert 0.0 < float(shop.get("/burn/1")) < 0.35
    shop.declare("limits = { cpus = 0.1 }")
    shop.deployed()
    assert 0.0 < float(shop.get("/burn/1")) < 0.25


def test_limits_that_nobody_keeps_are_told(shop: FaultyServices) -> None:
    shop.environment["SOPHIA_AGENT_WITHOUT"] = "cgroups"
    shop.declare('limits = { processes = 12, cpus = 0.5, memory = "800MB" }')
    told = shop.run("deploy").document["notes"]
    wanted = [f"`limits.{name}` is not kept: left out" for name in ("processes", "cpus")]
    assert [one for one in told if "limits" in one] == [f"web: {one}" for one in wanted]
    assert shop.status()["notes"] == wanted
    shop.kill_agent()
    shop.agent_started()
    assert shop.status()["notes"] == wanted


def test_limits_hold_after_another_agent_took_over(shop: FaultyServices) -> None:
    if all_trees()[1]:
        pytest.skip("no control groups here")
    shop.declare('limits = { memory = "80MB", processes = 12 }')
    shop.deployed()
    shop.kill_agent()
    shop.agent_started()
    before = shop.pid()
    with contextlib.suppress(OSError):
        shop.get("/eat/300")
    shop.next_pid(before)
    eventually(lambda: shop.incidents() == [("out-of-memory", "recovered")])
    groups = shop.groups()
    assert groups
    assert shop.run("stop", "web").code == 0
    eventually(lambda: not [one for one in groups if one.exists()])


def test_orphans_and_children_with_a_session_of_their_own_end_with_their_service(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    before = shop.pid()
    left = [int(shop.get(f"/orphan/{kind}")) for kind in ("plain", "setsid")]
    assert all(is_alive(pid) for pid in left)
    os.kill(before, signal.SIGKILL)
    after = shop.next_pid(before)
    eventually(lambda: not any(is_alive(pid) for pid in left))
    eventually(lambda: shop.processes() == [after])
    again = [int(shop.get(f"/orphan/{kind}")) for kind in ("plain", "setsid")]
    assert shop.run("stop", "web").code == 0
    eventually(lambda: not any(is_alive(pid) for pid in again))
    eventually(lambda: shop.processes() == [])


def test_orphans_that_end_are_reaped(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    ended = {int(shop.get("/short")) for _ in range(10)}
    agent = shop.agent_pid()
    # Once nobody but the service is below the agent, all of them were handed to it and reaped.
    eventually(lambda: {one.pid for one in all_facts() if one.parent == agent} == {shop.pid()})
    assert not ended & {one.pid for one in all_facts()}


def test_an_agent_that_runs_out_of_descriptors_survives_and_heals_later(shop: FaultyServices) -> None:
    shop.declare('restart = { max_restarts = 2, within = "1m", backoff = "20ms" }')
    shop.deployed()
    agent, before = shop.agent_pid(), shop.pid()
    _, hard = resource.prlimit(agent, resource.RLIMIT_NOFILE)
    resource.prlimit(agent, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{agent}/fd")) + 12, hard))
    with contextlib.ExitStack() as held:
        for _ in range(20):
            client = held.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(os.path.relpath(shop.root / ".sophia" / "agent.sock"))
        eventually(lambda: "Too many open files" in shop.log())
        os.kill(before, signal.SIGKILL)
        eventually(lambda: shop.log().count("not started") + shop.log().count("not looked at") >= 4)
    assert shop.agent_pid() == agent
    shop.next_pid(before)
    eventually(lambda: shop.incidents() == [("exited", "recovered")])


def test_services_get_their_own_limit_of_descriptors_and_not_the_agents(shop: FaultyServices) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.prlimit(0, resource.RLIMIT_NOFILE, (soft, hard))
    shop.declare()
    shop.deployed()
    assert int(shop.facts()["files"]) == soft
    assert resource.prlimit(shop.agent_pid(), resource.RLIMIT_NOFILE) == (hard, hard)
    shop.declare("limits = { open_files = 77 }")
    shop.deployed()
    assert int(shop.facts()["files"]) == 77


def test_a_flood_of_log_lines_blocks_nobody_and_stays_within_bounds(shop: FaultyServices) -> None:
    shop.declare('log = { max_size = "200KB", keep = 2 }')
    shop.deployed()
    logs = shop.root / ".sophia" / "logs"
    most = 0
    longest = 0.0
    for _ in range(25):
        _, longest_s = (float(word) for word in shop.get("/flood/1000000").split(" "))
        shop.get("/slow/0.05")
        longest = max(longest, longest_s)
        most = max(most, _on_disk(logs))
    assert longest < 2.0
    eventually(lambda: _on_disk(logs) <= 3 * 200_000 + 100_000)
    assert len(list(logs.glob("web.log*"))) <= 4
    assert most < 20_000_000


def _on_disk(folder: Path) -> int:
    return sum(_size(path) for path in folder.glob("web.log*"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:
        # It was rotated away meanwhile.
        return 0
