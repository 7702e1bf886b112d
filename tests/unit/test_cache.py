"""The scan cache: it answers only what it can prove, and no state of its folder does harm."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from sophia_cli.project.cache import CacheEntry, ScanCache
from sophia_cli.project.files.inventory import FileStamp
from sophia_cli.project.state_folder import StateFolder

STAMP = FileStamp(10, 1_000, 2_000, 77)
ENTRY = CacheEntry(STAMP, True, "digest", "", [True, 3, []])


def _open(root: Path, key: str = "key") -> ScanCache:
    return ScanCache.open(StateFolder(root), key)


def _saved(root: Path, key: str = "key", entry: CacheEntry = ENTRY) -> Path:
    cache = _open(root, key)
    cache.store("a.py", entry)
    assert cache.save(is_whole=True)
    (file,) = (root / ".sophia/cache").iterdir()
    return file


def test_what_was_stored_is_found_again_by_stamp_and_by_content(tmp_path: Path) -> None:
    _saved(tmp_path)
    cache = _open(tmp_path)
    assert cache.unchanged("a.py", STAMP, "any") == ENTRY
    assert cache.same_content("a.py", "digest", "any") == ENTRY
    assert cache.unchanged("b.py", STAMP, "any") is None


@pytest.mark.parametrize(
    "stamp",
    [replace(STAMP, size=11), replace(STAMP, mtime_ns=1), replace(STAMP, ctime_ns=1), replace(STAMP, inode=1)],
)
def test_any_change_of_the_stamp_asks_for_the_content(tmp_path: Path, stamp: FileStamp) -> None:
    _saved(tmp_path)
    assert _open(tmp_path).unchanged("a.py", stamp, "") is None


def test_a_file_too_young_to_prove_anything_is_found_by_content_only(tmp_path: Path) -> None:
    _saved(tmp_path, entry=CacheEntry(STAMP, False, "digest", "", [True, 3, []]))
    cache = _open(tmp_path)
    assert cache.unchanged("a.py", STAMP, "") is None
    assert cache.same_content("a.py", "digest", "") is not None
    assert cache.same_content("a.py", "another", "") is None


def test_a_report_that_depends_on_its_context_is_not_given_to_another(tmp_path: Path) -> None:
    _saved(tmp_path, entry=CacheEntry(STAMP, True, "digest", "commit 1", [False, 3, []]))
    cache = _open(tmp_path)
    assert cache.unchanged("a.py", STAMP, "commit 2") is None
    assert cache.unchanged("a.py", STAMP, "commit 1") is not None


def test_another_key_finds_nothing(tmp_path: Path) -> None:
    _saved(tmp_path)
    assert _open(tmp_path, "other").unchanged("a.py", STAMP, "") is None


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_cache_is_no_cache(tmp_path: Path, seed: int) -> None:
    file = _saved(tmp_path)
    content = bytearray(file.read_bytes())
    place = seed * len(content) // 40
    file.write_bytes(
        content[:place] if seed % 2 else content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    )
    assert _open(tmp_path).unchanged("a.py", STAMP, "") is None


@pytest.mark.parametrize("body", ["[]", "{}", '[1,"key",[0,0],{"a.py":[1,2]}]', "[" * 100_000, "nul"])
def test_a_well_sealed_cache_of_another_shape_is_no_cache(tmp_path: Path, body: str) -> None:
    file = _saved(tmp_path)
    file.write_bytes(b"%08x\n" % zlib.crc32(body.encode()) + body.encode())
    assert _open(tmp_path).unchanged("a.py", STAMP, "") is None


@pytest.mark.parametrize("values", [[], [1], "text", None, [10, 1_000, 2_000, 77, "yes", "digest", "", []]])
def test_an_entry_of_another_shape_counts_as_absent(tmp_path: Path, values: object) -> None:
    file = _saved(tmp_path)
    document = json.loads(file.read_bytes().partition(b"\n")[2])
    document[3]["a.py"] = values
    body = json.dumps(document, separators=(",", ":")).encode()
    file.write_bytes(b"%08x\n" % zlib.crc32(body) + body)
    assert _open(tmp_path).unchanged("a.py", STAMP, "") is None


def test_a_cache_that_came_with_a_checkout_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    _saved(tmp_path / "made")
    shutil.copytree(tmp_path / "made", tmp_path / "copy")
    assert _open(tmp_path / "made").unchanged("a.py", STAMP, "") is not None
    assert _open(tmp_path / "copy").unchanged("a.py", STAMP, "") is None


def test_a_cache_in_a_folder_that_others_can_write_is_not_believed(tmp_path: Path) -> None:
    _saved(tmp_path)
    (tmp_path / ".sophia/cache").chmod(0o777)
    assert _open(tmp_path).unchanged("a.py", STAMP, "") is None


def test_a_link_in_place_of_the_folder_or_the_file_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / ".sophia").symlink_to(outside)
    cache = _open(root)
    cache.store("a.py", ENTRY)
    assert not cache.save(is_whole=True)
    assert not list(outside.iterdir())
    (root / ".sophia").unlink()
    file = _saved(root)
    file.rename(outside / "cache")
    file.symlink_to(outside / "cache")
    before = (outside / "cache").read_bytes()
    _saved(root)
    assert not file.is_symlink()
    assert (outside / "cache").read_bytes() == before


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path: Path) -> None:
    (tmp_path / ".sophia").write_text("a file")
    cache = _open(tmp_path)
    cache.store("a.py", ENTRY)
    assert not cache.save(is_whole=True)
    assert (tmp_path / ".sophia").read_text() == "a file"


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    file = _saved(tmp_path)
    before = os.stat(file)
    cache = _open(tmp_path)
    cache.keep("a.py")
    assert cache.save(is_whole=True)
    assert os.stat(file).st_ino == before.st_ino


def test_files_that_are_gone_leave_the_cache_only_when_the_whole_project_was_seen(tmp_path: Path) -> None:
    cache = _open(tmp_path)
    for path in ("a.py", "b.py"):
        cache.store(path, ENTRY)
    cache.save(is_whole=True)
    part = _open(tmp_path)
    part.store("c.py", ENTRY)
    part.save(is_whole=False)
    assert _open(tmp_path).unchanged("b.py", STAMP, "") is not None
    whole = _open(tmp_path)
    whole.keep("a.py")
    whole.save(is_whole=True)
    assert _open(tmp_path).unchanged("a.py", STAMP, "") is not None
    assert _open(tmp_path).unchanged("b.py", STAMP, "") is None


def test_only_the_last_few_caches_are_kept(tmp_path: Path) -> None:
    for number in range(12):
        cache = _open(tmp_path, f"key {number}")
        cache.store("a.py", ENTRY)
        cache.save(is_whole=True)
    assert len(list((tmp_path / ".sophia/cache").iterdir())) <= 4
    assert _open(tmp_path, "key 11").unchanged("a.py", STAMP, "") is not None


def test_runs_that_write_at_once_leave_a_whole_cache(tmp_path: Path) -> None:
    children = []
    for number in range(6):
        child = os.fork()
        if child == 0:
            for repeat in range(25):
                cache = _open(tmp_path)
                cache.store(f"{number}-{repeat}.py", ENTRY)
                cache.save(is_whole=False)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    (file,) = (tmp_path / ".sophia/cache").iterdir()
    checksum, _, body = file.read_bytes().partition(b"\n")
    assert checksum == b"%08x" % zlib.crc32(body)
