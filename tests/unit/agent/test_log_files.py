"""Log files: rotation loses no byte and holds nobody up, and readers see one stream."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.agent.instances.log_files import LogFile, Rotation
from sophia_cli.project.host.log_stream import (
    layout_of,
    origin_path,
    read_log,
    rotated_path,
    tail_log,
)

LINE = b"a line of some length, number %06d\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "logs"
    made.mkdir()
    return made


@pytest.fixture
def without_holes(tmp_path: Path) -> Iterator[Path]:
    """A file system that punches no holes."""
    yield from mounted(tmp_path / "ramfs", "ramfs", "mode=700")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "small", "tmpfs", "size=256k")


def mounted(place: Path, kind: str, options: str) -> Iterator[Path]:
    place.mkdir()
    command = ["mount", "-t", kind, "-o", options, kind, str(place)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        pytest.skip(f"{kind} cannot be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], timeout=300, check=True)


def lines(count: int, first: int = 0) -> bytes:
    return b"".join(LINE % number for number in range(first, first + count))


def append(log: LogFile, data: bytes) -> None:
    file = log.open()
    try:
        assert os.write(file, data) == len(data)
    finally:
        os.close(file)


def rotate_fully(log: LogFile) -> list[Rotation]:
    steps = [log.rotate()]
    while steps[-1].is_more_due:
        steps.append(log.rotate())
    return steps


def everything(path: Path, position: int = 0) -> bytes:
    """Return the stream from a position on; the part that is gone is left out."""
    found: list[bytes] = []
    while True:
        piece = read_log(path, position, 10_000)
        if not piece.data:
            return b"".join(found)
        found.append(piece.data)
        position = piece.next_position


def rotated_names(log: LogFile) -> list[str]:
    return sorted(path.name for path in log.path.parent.iterdir() if path != log.path)


def disk_bytes(path: Path) -> int:
    """Return how much of the disk a log takes, rotated files included and holes left out."""
    return sum(one.stat().st_blocks * 512 for one in path.parent.glob(f"{path.name}*"))


def test_a_log_is_private_and_appended_to(folder: Path) -> None:
    log = LogFile(folder / "api.log", 1000, 2)
    append(log, b"one\n")
    append(log, b"two\n")
    assert log.path.read_bytes() == b"one\ntwo\n"
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_a_log_below_its_size_is_left_alone(folder: Path) -> None:
    log = LogFile(folder / "api.log", 1000, 2)
    append(log, b"x" * 999)
    assert log.rotate() == Rotation()
    assert rotated_names(log) == []


def test_rotation_keeps_every_byte_and_frees_the_room(folder: Path) -> None:
    log = LogFile(folder / "api.log", 100_000, 3)
    written = lines(6_000)
    append(log, written)
    before = disk_bytes(log.path)
    steps = rotate_fully(log)
    assert sum(step.kept for step in steps) + layout_of(log.path).end - layout_of(log.path).start == len(written)
    assert everything(log.path) == written
    assert disk_bytes(log.path) <= before + 3 * 4096
    assert log.path.stat().st_blocks * 512 < 100_000 + 8192
    assert not log.is_full()


def test_a_rotated_file_ends_with_a_whole_line(folder: Path) -> None:
    log = LogFile(folder / "api.log", 1000, 3)
    append(log, lines(100))
    rotate_fully(log)
    assert layout_of(log.path).rotated
    assert all(one.path.read_bytes().endswith(b"\n") for one in layout_of(log.path).rotated)


def test_the_writer_goes_on_with_the_descriptor_that_it_has(folder: Path) -> None:
    log = LogFile(folder / "api.log", 1000, 50)
    file = log.open()
    try:
        for number in range(400):
            os.write(file, LINE % number)
            log.rotate()
    finally:
        os.close(file)
    assert everything(log.path) == lines(400)


def test_only_so_many_rotated_files_stay(folder: Path) -> None:
    log = LogFile(folder / "api.log", 1000, 2)
    for number in range(50):
        append(log, lines(10, number * 10))
        rotate_fully(log)
    assert len(rotated_names(log)) == 2
    seen = everything(log.path)
    assert lines(500).endswith(seen)
    assert len(seen) > 2 * 900
    assert disk_bytes(log.path) <= 4 * 4096


def test_a_flood_that_outran_the_agent_keeps_the_newest_lines(folder: Path) -> None:
    log = LogFile(folder / "api.log", 1000, 2)
    append(log, lines(1000))
    steps = rotate_fully(log)
    assert steps[0].dropped > 0
    assert len(rotated_names(log)) <= 3
    seen = everything(log.path)
    assert lines(1000).endswith(seen)
    assert 2000 <= len(seen) <= 3000


def test_without_rotated_files_the_older_bytes_are_dropped(folder: Path) -> None:
    log = LogFile(folder / "api.log", 1000, 0)
    append(log, lines(100))
    assert rotate_fully(log) == [Rotation(dropped=len(lines(100)))]
    append(log, b"after\n")
    assert everything(log.path) == b"after\n"
    assert tail_log(log.path, 5).lines == ("after",)


def test_who_follows_sees_each_byte_once_while_it_is_rotated(folder: Path) -> None:
    log = LogFile(folder / "api.log", 700, 100)
    seen: list[bytes] = []
    position = 0
    for number in range(300):
        append(log, LINE % number)
        if number % 7 == 0:
            log.rotate()
        if number % 11 == 0:
            while (piece := read_log(log.path, position, 97)).data:
                assert piece.lost == 0
                seen.append(piece.data)
                position = piece.next_position
    seen.append(everything(log.path, position))
    assert b"".join(seen) == lines(300)


def test_who_follows_too_slowly_is_told_how_much_it_missed(folder: Path) -> None:
    log = LogFile(folder / "api.log", 1000, 1)
    for number in range(20):
        append(log, lines(30, number * 30))
        rotate_fully(log)
    piece = read_log(log.path, 10)
    assert piece.lost == piece.position - 10 > 0
    assert piece.data.startswith(b"a line")


@pytest.mark.parametrize("count", [0, 1, 3, 50, 5000])
def test_the_last_lines_come_from_all_files(folder: Path, count: int) -> None:
    log = LogFile(folder / "api.log", 1000, 9)
    for number in range(10):
        append(log, lines(20, number * 20))
        log.rotate()
    append(log, b"unfinished")
    tail = tail_log(log.path, count)
    wanted = [line.decode() for line in [*lines(200).splitlines(), b"unfinished"]]
    assert list(tail.lines) == (wanted[-count:] if count else [])
    assert tail.position == len(lines(200)) + 10


def test_lines_from_before_a_position_are_left_out(folder: Path) -> None:
    log = LogFile(folder / "api.log", 1000, 9)
    append(log, lines(100))
    rotate_fully(log)
    since = layout_of(log.path).end
    append(log, b"one\ntwo\n")
    assert tail_log(log.path, 20, since).lines == ("one", "two")
    assert tail_log(log.path, 1, since).lines == ("two",)
    assert tail_log(log.path, 20, since + 100).lines == ()


def test_an_absent_log_is_empty(folder: Path) -> None:
    assert tail_log(folder / "api.log", 10).lines == ()
    assert read_log(folder / "api.log", 0).data == b""
    assert read_log(folder / "none" / "api.log", 100).data == b""
    assert LogFile(folder / "api.log", 1000, 1).rotate() == Rotation()


def test_bytes_that_are_no_text_are_shown_somehow(folder: Path) -> None:
    log = LogFile(folder / "api.log", 1000, 1)
    append(log, b"\xff\xfe\x00\n")
    assert len(tail_log(log.path, 1).lines) == 1


def test_removing_a_log_leaves_nothing_of_it_and_all_of_others(folder: Path) -> None:
    log, other = LogFile(folder / "api.log", 1000, 3), LogFile(folder / "api.log2", 1000, 3)
    for one in (log, other):
        append(one, lines(200))
        rotate_fully(one)
    kept = everything(other.path)
    log.remove()
    assert not any(path.name.startswith("api.log.") for path in folder.iterdir())
    assert everything(other.path) == kept


def test_a_kill_between_copy_and_hole_shows_nothing_twice(folder: Path) -> None:
    log = LogFile(folder / "api.log", 1000, 5)
    append(log, lines(60))
    # What a killed agent leaves: the copy has its name, the current file still has all, and another copy is half done.
    rotated_path(log.path, 0).write_bytes(lines(20))
    log.path.with_name("api.log.tmp").write_bytes(b"half")
    assert everything(log.path) == lines(60)
    rotate_fully(log)
    assert everything(log.path) == lines(60)
    assert not log.path.with_name("api.log.tmp").exists()


@settings(max_examples=40, deadline=None)
@given(st.integers(50, 400), st.integers(0, 4), st.lists(st.binary(max_size=300), max_size=25))
def test_what_is_left_is_always_the_end_of_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, most: int, keep: int, writes: list[bytes]
) -> None:
    log = LogFile(tmp_path_factory.mktemp("logs") / "api.log", most, keep)
    for one in writes:
        append(log, one)
        rotate_fully(log)
    seen = everything(log.path)
    written = b"".join(writes)
    assert written.endswith(seen)
    assert len(seen) >= min(len(written), (most - most // 4) * keep)
    layout = layout_of(log.path)
    assert layout.end == len(written)
    assert layout.end - layout.first == len(seen)


def test_without_holes_the_file_is_cut_off_and_the_stream_goes_on(without_holes: Path) -> None:
    log = LogFile(without_holes / "api.log", 1000, 500)
    file = log.open()
    try:
        for number in range(300):
            os.write(file, LINE % number)
            log.rotate()
            assert log.path.stat().st_size <= 1000 + len(LINE)
    finally:
        os.close(file)
    assert origin_path(log.path).exists()
    assert everything(log.path) == lines(300)
    assert tail_log(log.path, 60).lines == tuple(line.decode() for line in lines(60, 240).splitlines())


def test_a_kill_before_the_cut_is_noted_loses_nothing(without_holes: Path) -> None:
    log = LogFile(without_holes / "api.log", 1000, 5)
    append(log, lines(40))
    rotate_fully(log)
    origin_path(log.path).unlink()
    append(log, lines(2, 40))
    assert everything(log.path) == lines(42)


def test_a_full_disk_costs_old_lines_only(small_disk: Path) -> None:
    log = LogFile(small_disk / "api.log", 60_000, 4)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 120_000)
    number = 0
    for _ in range(40):
        append(log, lines(200, number))
        number += 200
        rotate_fully(log)
    seen = everything(log.path)
    assert lines(number).endswith(seen)
    assert seen
    assert ballast.stat().st_size == 120_000


FLOOD = """
import os, sys
number = 0
for _ in range(int(sys.argv[1])):
    os.write(1, b"".join(b"a line of some length, number %06d\\n" % n for n in range(number, number + 100)))
    number += 100
"""


def test_a_flooding_process_is_rotated_while_it_writes(folder: Path) -> None:
    log = LogFile(folder / "api.log", 200_000, 3)
    file = log.open()
    most = 0
    try:
        with subprocess.Popen([sys.executable, "-S", "-c", FLOOD, "3000"], stdout=file) as writer:
            while writer.poll() is None:
                log.rotate()
                most = max(most, len(rotated_names(log)))
    finally:
        os.close(file)
    assert writer.returncode == 0
    rotate_fully(log)
    assert most <= 6
    seen = everything(log.path)
    assert lines(300_000).endswith(seen)
    assert len(seen) >= 600_000
    assert disk_bytes(log.path) <= 4 * 200_000 + 5 * 8192


FOLLOW = """
import os, sys
from pathlib import Path
from sophia_cli.project.host.log_stream import read_log
log, wanted, position = Path(sys.argv[1]), int(sys.argv[2]), 0
while position < wanted:
    piece = read_log(log, position, 5_000)
    assert piece.lost == 0
    os.write(1, piece.data)
    position = piece.next_position
"""


def test_who_follows_in_another_process_sees_each_byte_once(folder: Path) -> None:
    log = LogFile(folder / "api.log", 20_000, 1_000)
    wanted = lines(20_000)
    copy = folder.parent / "copy"
    file = log.open()
    try:
        with (
            open(copy, "wb") as seen,
            subprocess.Popen([sys.executable, "-c", FOLLOW, str(log.path), str(len(wanted))], stdout=seen) as follower,
            subprocess.Popen([sys.executable, "-S", "-c", FLOOD, "200"], stdout=file) as writer,
        ):
            try:
                while writer.poll() is None or log.is_full():
                    log.rotate()
                assert follower.wait(300) == 0
            finally:
                # Leaving the block waits for both, for ever where one has stopped to get on.
                follower.kill()
                writer.kill()
    finally:
        os.close(file)
    assert copy.read_bytes() == wanted
