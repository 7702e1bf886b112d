"""A full disk: a run stops with everything old; undo and recovery lose nothing and finish once there is room."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_project import KILLED, Children, Tree, fix_now, held, make_project, picture, recover_now, undo_now
from small_disk import mount_small_disk

from sophia_cli.core.errors import SophiaError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.runs.restore import RollbackIncomplete
from sophia_cli.project.runs.transactions import FileChange, begin_run

SIZE_KB = 512


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A private file system of half a megabyte."""
    place = tmp_path / "small"
    mount_small_disk(place, SIZE_KB)
    try:
        yield place
    finally:
        busy = subprocess.run(["umount", str(place)], capture_output=True, text=True, check=False)
        if busy.returncode != 0:
            subprocess.run(["umount", "-l", str(place)], check=True)
            pytest.fail(f"a file was left open: {busy.stderr}")


def _fill(root: Path, leave: int = 0) -> Path:
    """Fill the disk with a file that is no business of Sophia's, except for `leave` bytes; return it."""
    filler = root / ".filler"
    with open(filler, "ab", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(bytes(4096)):
            pass
    assert os.statvfs(root).f_bavail == 0
    os.truncate(filler, max(0, filler.stat().st_size - leave))
    return filler


def _without_filler(tree: Tree) -> Tree:
    return {path: entry for path, entry in tree.items() if path != ".filler"}


def _big_project(root: Path) -> tuple[Tree, list[FileChange]]:
    """Six files of 10 kB that are to grow to 14 kB."""
    changes = []
    for number in range(6):
        old = b"%d\n" % number * 5000
        (root / f"module_{number}.py").write_bytes(old)
        changes.append(FileChange(f"module_{number}.py", old, b"new" + old + old[:4000]))
    return picture(root), changes


@pytest.mark.parametrize("created", [0, 3])
def test_a_run_on_a_disk_that_fills_up_at_any_point_changes_nothing(created: int, small_disk: Path) -> None:
    before, changes = _big_project(small_disk)
    changes += [FileChange(f"fresh/{number}/module.py", None, b"%d\n" % number * 1500) for number in range(created)]
    fates = set()
    for leave in range(0, 64 * 4096, 4096):
        filler = _fill(small_disk, leave)
        fate = _fate(small_disk, changes)
        fates.add(fate)
        if fate != "done":
            assert _without_filler(picture(small_disk)) == before, f"{leave} bytes left"
        filler.unlink()
        assert all(one.kept == () for one in recover_now(small_disk))
        if fate == "done":
            assert undo_now(small_disk).kept == ()
        assert picture(small_disk) == before, f"{leave} bytes left"
        shutil.rmtree(small_disk / ".sophia")
    assert fates - {"state-folder-unavailable"} == {"done", "disk-full"}


def _fate(root: Path, changes: list[FileChange]) -> str:
    try:
        fix_now(root, *changes)
    except SophiaError as error:
        return error.reference
    return "done"


def test_a_later_round_that_finds_the_disk_full_does_not_keep_the_run_from_going_back(small_disk: Path) -> None:
    before, changes = _big_project(small_disk)
    with held(small_disk) as lock, begin_run(lock, "fix", SystemClock().now) as run:
        run.apply(changes)
        _fill(small_disk)
        with pytest.raises(SophiaError) as full:
            run.apply([FileChange(changes[0].path, changes[0].after, bytes(200_000))])
        assert full.value.reference == "disk-full"
        assert run.abort() == ()
    assert _without_filler(picture(small_disk)) == before


def test_a_killed_run_is_rolled_back_on_a_disk_that_became_full(children: Children, small_disk: Path) -> None:
    before = make_project(small_disk)
    for point in ("after-rename:2", "before-commit", "copy-on-disk:3"):
        assert children.run(small_disk, "commit", point)[0] == KILLED
        filler = _fill(small_disk)
        (recovered,) = recover_now(small_disk)
        assert recovered.kept == ()
        assert _without_filler(picture(small_disk)) == before, point
        filler.unlink()


def test_undo_without_room_changes_nothing_and_works_later(small_disk: Path) -> None:
    before, changes = _big_project(small_disk)
    fix_now(small_disk, *changes, FileChange("fresh/module.py", None, b"new\n"))
    after = picture(small_disk)
    filler = _fill(small_disk)
    with pytest.raises(SophiaError) as full:
        undo_now(small_disk)
    assert (full.value.reference, int(full.value.exit_code)) == ("disk-full", 4)
    assert _without_filler(picture(small_disk)) == after
    filler.unlink()
    assert undo_now(small_disk).kept == ()
    assert picture(small_disk) == before


def test_a_roll_back_that_is_barred_says_so_and_is_completed_later(small_disk: Path) -> None:
    before, changes = _big_project(small_disk)
    paths = {change.path for change in changes}
    filler = small_disk / ".filler"
    with pytest.raises(RollbackIncomplete) as barred:
        _run_into_a_full_disk_without_reserve(small_disk, changes)
    assert ({one.path for one in barred.value.barred}, int(barred.value.exit_code)) == (paths, 4)
    with pytest.raises(RollbackIncomplete) as still_barred:
        recover_now(small_disk)
    assert {one.path for one in still_barred.value.barred} == paths
    filler.unlink()
    (recovered,) = recover_now(small_disk)
    assert (recovered.run_id, recovered.kept) == (barred.value.run_id, ())
    assert picture(small_disk) == before


def _run_into_a_full_disk_without_reserve(root: Path, changes: list[FileChange]) -> None:
    with held(root) as lock, begin_run(lock, "fix", SystemClock().now) as run:
        run.apply(changes)
        (root / ".sophia" / "runs" / run.id / "reserve").unlink()
        _fill(root)
