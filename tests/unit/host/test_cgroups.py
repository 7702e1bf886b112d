"""Control groups, in folders of the kernel's layout, and real ones where this user may make them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sophia_cli.project.clock import SystemClock
from sophia_cli.project.host.cgroups import (
    Group,
    GroupLimits,
    GroupTree,
    MadeGroup,
    find_group,
    find_tree,
    make_group,
    out_of_memory_kills,
    remove_group,
)
from sophia_cli.project.host.missing import Missing


def machine(folder: Path, mounts: list[str], own: str) -> Path:
    """Write what `/proc` says of mounts and of the process's own groups; `{}` stands for the folder."""
    proc = folder / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "self" / "mountinfo").write_text("".join(line.format(folder) + "\n" for line in mounts))
    (proc / "self" / "cgroup").write_text(own)
    return proc


def test_a_unified_tree_is_found_below_the_group_of_the_process(tmp_path: Path) -> None:
    own = tmp_path / "unified" / "user" / "me"
    own.mkdir(parents=True)
    (own / "cgroup.controllers").write_text("cpu memory pids\n")
    mounts = ["24 1 0:22 / / rw - ext4 /dev/x rw", "31 24 0:27 / {}/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw"]
    proc = machine(tmp_path, mounts, "0::/user/me\n")
    assert find_tree("pids", proc) == GroupTree("pids", own, True)


def test_the_nearest_group_that_hands_controllers_on_is_taken_for_all_of_them(tmp_path: Path) -> None:
    own = tmp_path / "unified" / "slice" / "terminal"
    own.mkdir(parents=True)
    (own / "cgroup.controllers").write_text("memory pids\n")
    (own / "cgroup.subtree_control").write_text("\n")
    (own.parent / "cgroup.controllers").write_text("cpu memory pids\n")
    (own.parent / "cgroup.subtree_control").write_text("memory pids\n")
    (own.parent / "cgroup.procs").write_text("")
    proc = machine(tmp_path, ["31 24 0:27 / {}/unified rw - cgroup2 cgroup2 rw"], "0::/slice/terminal\n")
    # A process is in one group of the tree only, so `cpu`, which is not handed on yet, must not lead elsewhere.
    for controller in ("pids", "memory", "cpu"):
        assert find_tree(controller, proc) == GroupTree(controller, own.parent, True)


def test_a_group_with_processes_that_hands_nothing_on_offers_no_limits(tmp_path: Path) -> None:
    own = tmp_path / "unified" / "terminal"
    own.mkdir(parents=True)
    (own / "cgroup.controllers").write_text("cpu memory pids\n")
    (own / "cgroup.subtree_control").write_text("\n")
    (own / "cgroup.type").write_text("domain\n")
    (own / "cgroup.procs").write_text("41\n42\n")
    proc = machine(tmp_path, ["31 24 0:27 / {}/unified rw - cgroup2 cgroup2 rw"], "0::/terminal\n")
    answer = find_tree("cpu", proc)
    assert isinstance(answer, Missing)
    assert (answer.what, "shares its own group" in answer.reason) == ("limits.cpus", True)
    (own / "cgroup.type").unlink()
    assert find_tree("cpu", proc) == GroupTree("cpu", own, True)


def test_the_groups_of_an_instance_are_found_by_a_process_in_them(tmp_path: Path) -> None:
    mounts = [
        "31 24 0:27 / {}/pids rw - cgroup cgroup rw,pids",
        "32 24 0:28 /box {}/memory rw - cgroup cgroup rw,memory",
    ]
    proc = machine(tmp_path, mounts, "8:pids:/\n7:memory:/box\n")
    (proc / "42").mkdir()
    (proc / "42" / "cgroup").write_text("8:pids:/a/sophia-web-1\n7:memory:/box/b/sophia-web-1\n6:cpu:/sophia-web-1\n")
    wanted = (tmp_path / "pids" / "a" / "sophia-web-1", tmp_path / "memory" / "b" / "sophia-web-1")
    assert find_group(42, "web-1", proc) == Group(wanted)
    assert find_group(42, "web-2", proc) is None
    assert find_group(43, "web-1", proc) is None


def test_a_tree_of_version_1_is_found_by_its_controller(tmp_path: Path) -> None:
    own = tmp_path / "pids" / "me"
    own.mkdir(parents=True)
    mounts = ["31 24 0:27 / {}/pids rw - cgroup cgroup rw,pids", "32 24 0:28 / {}/unified rw - cgroup2 cgroup2 rw"]
    proc = machine(tmp_path, mounts, "9:name=systemd:/\n8:pids,misc:/me\n0::/\n")
    assert find_tree("pids", proc) == GroupTree("pids", own, False)
    assert isinstance(find_tree("memory", proc), Missing)


def test_in_a_container_the_path_counts_from_the_part_that_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "pids" / "inner").mkdir(parents=True)
    mounts = ["31 24 0:27 /docker/abc {}/pids rw - cgroup cgroup rw,pids"]
    proc = machine(tmp_path, mounts, "8:pids:/docker/abc/inner\n")
    assert find_tree("pids", proc) == GroupTree("pids", tmp_path / "pids" / "inner", False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_tree_that_is_not_ours_is_missing_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir(mode=0o500)
    proc = machine(tmp_path, ["31 24 0:27 / {}/pids rw - cgroup cgroup rw,pids"], "8:pids:/\n")
    answer = find_tree("pids", proc)
    assert isinstance(answer, Missing)
    assert "not writable" in answer.reason


def test_a_system_without_groups_says_so(tmp_path: Path) -> None:
    assert isinstance(find_tree("pids", tmp_path), Missing)


def test_a_refusal_leaves_nothing_behind(tmp_path: Path) -> None:
    # A plain folder has no `pids.max`, as a group whose controller is not there.
    made = make_group((GroupTree("pids", tmp_path, False),), "api-1", GroupLimits(processes=5))
    assert made.group == Group(())
    assert [one.what for one in made.refused] == ["limits.processes"]
    assert list(tmp_path.iterdir()) == []


def test_one_limit_that_is_refused_takes_no_other_with_it(tmp_path: Path) -> None:
    group = tmp_path / "sophia-api-1"
    group.mkdir()
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids\n")
    for name in ("pids.max", "memory.max"):
        (group / name).write_text("max\n")
    trees = tuple(GroupTree(name, tmp_path, True) for name in ("cpu", "memory", "pids"))
    made = make_group(trees, "api-1", GroupLimits(processes=5, memory=1 << 20, cpus=0.5))
    assert made.group == Group((group,))
    assert [one.what for one in made.refused] == ["limits.cpus"]
    assert [(group / name).read_text()[:7] for name in ("pids.max", "memory.max")] == ["5ax\n", "1048576"]


@pytest.mark.parametrize(
    ("is_unified", "cpus", "expected"),
    [
        (True, 0.5, {"cpu.max": "50000 100000"}),
        (True, 2.25, {"cpu.max": "225000 100000"}),
        (True, 0.001, {"cpu.max": "1000 100000"}),
        (False, 0.5, {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"}),
    ],
)
def test_cores_become_time_in_each_tenth_of_a_second(
    tmp_path: Path, is_unified: bool, cpus: float, expected: dict[str, str]
) -> None:
    group = tmp_path / "sophia-api-1"
    group.mkdir()
    (tmp_path / "cgroup.subtree_control").write_text("cpu")
    for name in expected:
        (group / name).write_text("")
    made = make_group((GroupTree("cpu", tmp_path, is_unified),), "api-1", GroupLimits(cpus=cpus))
    assert made.refused == ()
    assert {path.name: path.read_text() for path in group.iterdir()} == expected


def test_without_a_limit_no_group_is_made(tmp_path: Path) -> None:
    assert make_group((GroupTree("pids", tmp_path, False),), "api-1", GroupLimits()) == MadeGroup(Group(()))
    assert list(tmp_path.iterdir()) == []


def test_kills_for_want_of_memory_are_counted(tmp_path: Path) -> None:
    group = Group((tmp_path,))
    assert out_of_memory_kills(group) == 0
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\n")
    assert out_of_memory_kills(group) == 2


FORKS = """
import os, sys
with open(sys.argv[1], "w") as entrance:
    entrance.write("0")
children = []
try:
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            os.read(0, 1)
            os._exit(0)
        children.append(pid)
except BlockingIOError:
    print(len(children), flush=True)
os.read(0, 1)
"""


def _members(group: Group) -> list[int]:
    return [int(word) for entrance in group.entrances for word in entrance.read_text("ascii").split()]


def test_a_process_that_forks_without_end_is_capped() -> None:
    tree = find_tree("pids")
    if isinstance(tree, Missing):
        pytest.skip(tree.reason)
    made = make_group((tree,), f"test-{os.getpid()}", GroupLimits(processes=5))
    if made.refused:
        pytest.skip(made.refused[0].reason)
    group = made.group
    try:
        command = [sys.executable, "-S", "-c", FORKS, str(group.entrances[0])]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as forking:
            assert forking.stdout is not None
            assert int(forking.stdout.readline()) == 4
            assert forking.pid in _members(group)
            assert len(_members(group)) == 5
            assert not remove_group(group)
            forking.kill()
    finally:
        for pid in _members(group):
            os.kill(pid, 9)
        clock = SystemClock()
        deadline = clock.monotonic() + 120.0
        while not remove_group(group):
            assert clock.monotonic() < deadline
            clock.pause(0.01)
