"""A disk that fills up while a release is made or restored: no half release, and all is well once there is room."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from release_child import SERVICE, prune_now, release_now, restore_now, store_of
from small_disk import mount_small_disk

from sophia_cli.core.errors import SophiaError

SIZE_KB = 512


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A private file system of half a megabyte."""
    place = tmp_path / "small"
    mount_small_disk(place, SIZE_KB)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(root: Path, leave: int) -> Path:
    filler = root.parent / "filler" if root.name == "shop" else root / "filler"
    with open(filler, "wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(bytes(4096)):
            pass
    os.truncate(filler, max(0, filler.stat().st_size - leave))
    return filler


def _make(root: Path) -> None:
    root.mkdir()
    (root / "data").mkdir()
    for number in range(5):
        (root / f"module_{number}.py").write_bytes(os.urandom(6000).hex().encode())


def test_a_disk_that_fills_up_at_any_point_leaves_no_release_and_the_earlier_one_whole(small_disk: Path) -> None:
    root = small_disk / "shop"
    _make(root)
    fates = set()
    for leave in range(0, 48 * 4096, 3 * 4096):
        shutil.rmtree(root / ".sophia", ignore_errors=True)
        first = release_now(root)
        for number in (0, 1, 2):
            (root / f"module_{number}.py").write_bytes(os.urandom(6000).hex().encode())
        filler = _fill(root, leave)
        try:
            release_now(root)
            fates.add("done")
        except SophiaError as error:
            fates.add(error.reference)
            assert store_of(root).numbers(SERVICE) == (1,), leave
        assert not list((root / ".sophia/releases").glob(".staging-*")), leave
        assert store_of(root).differences(first).is_intact, leave
        filler.unlink()
        assert store_of(root).differences(release_now(root)).is_intact
    assert fates - {"state-folder-unavailable"} == {"done", "disk-full"}


def test_a_restoration_without_room_is_told_and_works_later(small_disk: Path) -> None:
    root = small_disk / "shop"
    _make(root)
    release = release_now(root)
    place = store_of(root).tree(release) / "module_3.py"
    original = place.read_bytes()
    place.write_bytes(b"edited")
    filler = _fill(root, 0)
    with pytest.raises(SophiaError) as caught:
        restore_now(root)
    assert caught.value.reference == "disk-full"
    assert place.read_bytes() == b"edited"
    filler.unlink()
    restore_now(root)
    assert place.read_bytes() == original


def test_pruning_makes_room_on_a_full_disk(small_disk: Path) -> None:
    root = small_disk / "shop"
    _make(root)
    release_now(root)
    for number in range(1, 5):
        (root / f"module_{number}.py").unlink()
    (root / "module_0.py").write_bytes(os.urandom(6000).hex().encode())
    latest = release_now(root)
    filler = _fill(root, 0)
    assert prune_now(root).removed == (1,)
    assert os.statvfs(small_disk).f_bavail > 0
    place = store_of(root).tree(latest) / "module_0.py"
    place.unlink()
    filler.unlink()
    restore_now(root)
    assert store_of(root).differences(latest).is_intact
