"""A journal that is torn, damaged or hostile: read what can be trusted, name the rest, harm nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from faulty_project import KILLED, Children, fix_now, held, make_project, picture, recover_now, undo_now

from sophia_cli.core.errors import SophiaError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.runs.journal import Journal, first_record, last_record, read_journal
from sophia_cli.project.runs.records import (
    Abort,
    Backup,
    Begin,
    Commit,
    Done,
    Intend,
    Kept,
    Record,
    TakenBack,
    UndoBegin,
    Undone,
    encode,
)
from sophia_cli.project.runs.recovery import RecoveryKind
from sophia_cli.project.runs.run_record import RunState
from sophia_cli.project.runs.transactions import FileChange, begin_run
from sophia_cli.project.runs.undo import list_runs

RECORDS: tuple[Record, ...] = (
    Begin("7f3a", 1, "sophia fix", 4121, "0.1.0", "2026-01-02T03:04:05+00:00"),
    Backup("caf\xe9/\udcff.py", "a" * 64, 0o644),
    Intend(0, "caf\xe9/\udcff.py", "a" * 64, "b" * 64, 0o644),
    Done("x.py", "b" * 64),
    TakenBack("x.py", "a" * 64),
    Abort("stamp", (Kept("x.py", "it changed since"),)),
    UndoBegin("stamp", 4121, ("x.py", "y.py")),
    Undone("stamp", ("x.py",), (Kept("y.py", "why"),)),
    Commit("stamp", "two\nlines"),
)


def _written(path: Path) -> Path:
    journal = Journal(path)
    journal.write(*RECORDS)
    journal.close()
    return path


def _journal_of(root: Path) -> Path:
    (journal,) = (root / ".sophia" / "runs").glob("*/journal.jsonl")
    return journal


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = _written(tmp_path / "journal")
    content = read_journal(path)
    assert (content.records, content.damaged, content.length) == (RECORDS, (), path.stat().st_size)
    assert all(isinstance(json.loads(line), dict) for line in path.read_bytes().splitlines())
    assert (first_record(path), last_record(path)) == (RECORDS[0], RECORDS[-1])


def test_first_and_last_record_are_found_among_long_lines(tmp_path: Path) -> None:
    long_undo = UndoBegin("stamp", 1, tuple(f"package/module_{number}.py" for number in range(1000)))
    journal = Journal(tmp_path / "journal")
    journal.write(RECORDS[0], long_undo)
    assert last_record(tmp_path / "journal") == long_undo
    journal.write(RECORDS[-1])
    journal.close()
    assert (first_record(tmp_path / "journal"), last_record(tmp_path / "journal")) == (RECORDS[0], RECORDS[-1])


def test_a_line_torn_at_any_byte_is_dropped_and_overwritten(tmp_path: Path) -> None:
    path = _written(tmp_path / "journal")
    whole = path.read_bytes()
    last_line = len(encode(RECORDS[-1], len(RECORDS) - 1))
    for cut in range(1, last_line + 1):
        path.write_bytes(whole[: len(whole) - cut])
        content = read_journal(path)
        assert (content.records, content.damaged) == (RECORDS[:-1], ()), cut
        journal = Journal(path)
        journal.write(RECORDS[-1])
        journal.close()
        assert path.read_bytes() == whole, cut


def test_a_flipped_bit_anywhere_is_noticed(tmp_path: Path) -> None:
    path = _written(tmp_path / "journal")
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        content = read_journal(path)
        assert content.records != RECORDS, place
        assert set(content.records) < set(RECORDS), place


def test_a_lost_line_is_noticed(tmp_path: Path) -> None:
    path = _written(tmp_path / "journal")
    lines = path.read_bytes().splitlines(keepends=True)
    for lost in range(len(lines) - 1):
        path.write_bytes(b"".join(lines[:lost] + lines[lost + 1 :]))
        assert read_journal(path).damaged == (lost + 1,)


def test_one_damaged_line_of_a_committed_run_never_costs_a_byte(scratch: Path) -> None:
    lines = 9
    for damaged in range(lines):
        root = scratch / str(damaged)
        root.mkdir()
        before = make_project(root)
        names = ("alpha.py", "package/beta.py")
        fix_now(root, *(FileChange(name, before[name][2], b"new\n") for name in names))
        after = picture(root)
        path = _journal_of(root)
        content = path.read_bytes().splitlines(keepends=True)
        assert len(content) == lines - 1
        if damaged < len(content):
            content[damaged] = content[damaged].replace(b'"record"', b'"recorf"')
        path.write_bytes(b"".join(content))

        settled = recover_now(root)
        if settled:
            kept = settled[0].kept
            assert settled[0].kind is RecoveryKind.ROLLED_BACK
        else:
            kept = undo_now(root).kept

        found = picture(root)
        for name in names:
            expected = after if name in {one.path for one in kept} else before
            assert found[name] == expected[name], f"line {damaged + 1}: {name}"
        if kept:
            assert all("damaged" in one.reason for one in kept), kept


def test_many_damaged_lines_are_named(scratch: Path) -> None:
    before = make_project(scratch)
    fix_now(scratch, FileChange("alpha.py", before["alpha.py"][2], b"new\n"))
    path = _journal_of(scratch)
    content = path.read_bytes().splitlines(keepends=True)
    content[1:3] = [b"garbage\n", b"\0\0\0\n"]
    path.write_bytes(b"".join(content))

    result = undo_now(scratch)

    assert [kept.path for kept in result.kept] == [path.relative_to(scratch).as_posix()]
    assert result.kept[0].reason == "lines 2, 3 are damaged; files that only they name are left alone"
    assert (scratch / "alpha.py").read_bytes() == b"new\n"


def test_a_run_whose_journal_is_unreadable_is_listed_and_the_others_can_be_undone(scratch: Path) -> None:
    before = make_project(scratch)
    fix_now(scratch, FileChange("alpha.py", before["alpha.py"][2], b"new\n"))
    path = _journal_of(scratch)
    fix_now(scratch, FileChange("package/beta.py", before["package/beta.py"][2], b"new\n"))
    path.write_bytes(b"garbage\n\0\xff\n" * 3)

    assert recover_now(scratch) == ()
    assert [run.state for run in list_runs(scratch)] == [RunState.UNREADABLE, RunState.COMMITTED]
    with pytest.raises(SophiaError) as caught:
        undo_now(scratch, path.parent.name)
    assert caught.value.reference == "journal-unreadable"
    assert undo_now(scratch).restored == ("package/beta.py",)
    assert (scratch / "alpha.py").read_bytes() == b"new\n"


def test_a_run_killed_before_its_first_record_leaves_no_trace(children: Children, scratch: Path) -> None:
    make_project(scratch)
    assert children.run(scratch, "commit", "run-folder-made")[0] == KILLED
    (folder,) = (scratch / ".sophia" / "runs").iterdir()
    (folder / "journal.jsonl").write_bytes(b'{"check":"torn')
    (folder / "notes.txt").write_bytes(b"not Sophia's\n")
    assert recover_now(scratch) == ()
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert list_runs(scratch) == ()


@pytest.mark.parametrize(
    "path", ["../outside.py", "/etc/hostname", ".git/config", "a/../../outside.py", "link/module.py"]
)
def test_a_journal_that_came_with_the_checkout_cannot_write_where_sophia_does_not(path: str, scratch: Path) -> None:
    root, outside = scratch / "project", scratch / "outside"
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "config").write_bytes(b"old\n")
    outside.mkdir()
    for file in (outside / "module.py", scratch / "outside.py"):
        file.write_bytes(b"old\n")
    (root / "link").symlink_to("../outside")
    (root / "real.py").write_bytes(b"evil\n")
    fix_now(root, FileChange("real.py", b"evil\n", b"old\n"))
    journal = _journal_of(root)
    evil = next(record for record in read_journal(journal).records if isinstance(record, Intend))
    journal.write_bytes(
        encode(Begin("7f3a", 1, "x", 1, "0", "0"), 0)
        + encode(Intend(0, path, evil.before, evil.after, 0o644), 1)
        + encode(Intend(1, "real.py", evil.before, evil.after, 0o644), 2)
    )
    before = picture(scratch)

    (recovered,) = recover_now(root)

    assert [kept.path for kept in recovered.kept] == [path]
    assert (root / "real.py").read_bytes() == b"evil\n"
    after = picture(scratch)
    assert {name for name in before if name not in ("project/real.py",) and before[name] != after[name]} <= {
        name for name in before if name.startswith("project/.sophia")
    }


def test_a_run_folder_that_is_a_link_is_not_followed(scratch: Path) -> None:
    root, outside = scratch / "project", scratch / "outside"
    (root / ".sophia" / "runs").mkdir(parents=True)
    outside.mkdir()
    (outside / "reserve").write_bytes(b"mine\n")
    (outside / "journal.jsonl").write_bytes(b"mine")
    (root / ".sophia" / "runs" / "7f3a").symlink_to(outside)
    before = picture(outside)
    assert recover_now(root) == ()
    assert picture(outside) == before


@pytest.mark.parametrize("name", ["runs", "backups"])
def test_a_state_subfolder_that_is_a_link_is_refused(name: str, scratch: Path) -> None:
    root, outside = scratch / "project", scratch / "outside"
    (root / ".sophia").mkdir(parents=True)
    outside.mkdir()
    (root / ".sophia" / name).symlink_to(outside)
    (root / "one.py").write_bytes(b"old\n")
    with pytest.raises(SophiaError) as refused:
        fix_now(root, FileChange("one.py", b"old\n", b"new\n"))
    assert refused.value.reference == "state-folder-refused"
    assert list(outside.iterdir()) == []
    assert (root / "one.py").read_bytes() == b"old\n"


def test_an_unfinished_run_is_settled_by_the_next_run_too(children: Children, scratch: Path) -> None:
    before = make_project(scratch)
    assert children.run(scratch, "commit", "after-rename:2")[0] == KILLED
    (unfinished,) = list_runs(scratch)
    assert unfinished.state is RunState.UNFINISHED
    with held(scratch) as lock, begin_run(lock, "fix", SystemClock().now) as run:
        assert [one.run_id for one in run.recovered] == [unfinished.id]
        assert picture(scratch) == before
        run.apply([FileChange("alpha.py", before["alpha.py"][2], b"new\n")])
        run.commit()
    assert (scratch / "alpha.py").read_bytes() == b"new\n"
