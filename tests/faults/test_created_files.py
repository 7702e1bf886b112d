"""Files that a run creates: never over anything, never outside, all or none, and gone again by an undo."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from faulty_project import change_while_stopped, fix_now, held, make_project, picture, recover_now, umask, undo_now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sophia_cli.core.errors import SophiaError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.inside import FileRefused
from sophia_cli.project.runs.atomic import FileChanged
from sophia_cli.project.runs.journal import read_journal
from sophia_cli.project.runs.records import Folders, encode
from sophia_cli.project.runs.run_record import RunState
from sophia_cli.project.runs.transactions import FileChange, begin_run
from sophia_cli.project.runs.undo import list_runs

NEW = b"value = 1\n"


def _created(path: str) -> FileChange:
    return FileChange(path, None, NEW)


def _a_file(root: Path) -> None:
    (root / "new.py").write_bytes(b"mine\n")


def _a_folder(root: Path) -> None:
    (root / "new.py").mkdir()


def _a_dangling_link(root: Path) -> None:
    (root / "new.py").symlink_to("nowhere.py")


def _a_link(root: Path) -> None:
    (root / "new.py").symlink_to("untouched.txt")


THINGS = {"file": _a_file, "folder": _a_folder, "dangling link": _a_dangling_link, "link": _a_link}


@pytest.fixture(params=THINGS)
def thing(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return THINGS[request.param]


def test_created_files_are_there_with_their_folders_and_undone_to_nothing(scratch: Path) -> None:
    before = make_project(scratch)
    fix_now(scratch, _created("new.py"), _created("a/b/c.py"), _created("package/new.py"))
    after = picture(scratch)
    assert set(after) - set(before) == {"new.py", "a", "a/b", "a/b/c.py", "package/new.py"}
    assert after["a/b/c.py"] == ("file", 0o644 & ~umask(), NEW)
    assert after["a"] == ("folder", 0o777 & ~umask(), b"")
    assert undo_now(scratch).kept == ()
    assert picture(scratch) == before


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o002])
def test_the_umask_decides_on_the_mode(mask: int, scratch: Path) -> None:
    old = os.umask(mask)
    try:
        fix_now(scratch, _created("a/new.py"))
    finally:
        os.umask(old)
    assert picture(scratch) == {"a": ("folder", 0o777 & ~mask, b""), "a/new.py": ("file", 0o644 & ~mask, NEW)}


def test_what_is_there_is_never_written_over(thing: Callable[[Path], None], scratch: Path) -> None:
    make_project(scratch)
    thing(scratch)
    before = picture(scratch)
    with pytest.raises(FileRefused):
        fix_now(scratch, FileChange("alpha.py", before["alpha.py"][2], b"x\n"), _created("new.py"))
    assert picture(scratch) == before


@pytest.mark.parametrize("moment", ["changes-checked:1", "intents-on-disk:1", "copy-on-disk:3", "before-rename:1"])
def test_what_appears_meanwhile_is_never_written_over(
    moment: str, thing: Callable[[Path], None], scratch: Path
) -> None:
    before = make_project(scratch)

    def appear() -> None:
        thing_at(scratch / "package")

    def thing_at(folder: Path) -> None:
        thing(folder)
        (folder / "new.py").rename(folder / "created.py")

    code, out = change_while_stopped(scratch, "commit", moment, appear)
    assert (code, out.partition(":")[0]) == (3, "file-changed")
    after = picture(scratch)
    assert "package/created.py" in after
    assert {path: entry for path, entry in after.items() if path != "package/created.py"} == before
    assert all(one.restored == () for one in recover_now(scratch))


@pytest.mark.parametrize(
    "path",
    ["../new.py", "/tmp/new.py", "a/../../new.py", ".git/hooks/new", "a/.sophia/new.py", "out/new.py", "out/a/new.py"],
)
def test_nothing_is_created_outside_or_where_sophia_does_not_write(path: str, scratch: Path) -> None:
    root = scratch / "project"
    make_project(scratch / "outside")
    root.mkdir()
    (root / "out").symlink_to("../outside")
    before = picture(scratch)
    with pytest.raises(FileRefused):
        fix_now(root, _created(path))
    assert {name: entry for name, entry in picture(scratch).items() if ".sophia" not in name} == before


@pytest.mark.parametrize("way", ["alpha.py/new.py", "broken/new.py", "broken/deep/new.py"])
def test_a_way_that_is_no_folder_is_refused(way: str, scratch: Path) -> None:
    make_project(scratch)
    (scratch / "broken").symlink_to("nowhere")
    before = picture(scratch)
    with pytest.raises(FileRefused):
        fix_now(scratch, _created(way))
    assert picture(scratch) == before


def test_a_link_to_a_folder_inside_leads_there(scratch: Path) -> None:
    before = make_project(scratch)
    (scratch / "short").symlink_to("package/deep")
    run = fix_now(scratch, _created("short/x/new.py"))
    assert run.changed == ("package/deep/x/new.py",)
    assert undo_now(scratch).restored == ("package/deep/x/new.py",)
    (scratch / "short").unlink()
    assert picture(scratch) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_refused(scratch: Path) -> None:
    (scratch / "locked").mkdir(mode=0o555)
    with pytest.raises(FileRefused):
        fix_now(scratch, _created("locked/new.py"))
    assert set(picture(scratch)) == {"locked"}


def test_a_created_file_that_was_changed_since_is_kept_and_named(scratch: Path) -> None:
    before = make_project(scratch)
    fix_now(scratch, _created("a/kept.py"), _created("a/b/gone.py"))
    (scratch / "a" / "kept.py").write_bytes(b"worked on\n")
    result = undo_now(scratch)
    assert [kept.path for kept in result.kept] == ["a/kept.py"]
    assert set(picture(scratch)) - set(before) == {"a", "a/kept.py"}
    assert [run.state for run in list_runs(scratch)] == [RunState.PARTLY_UNDONE]
    (scratch / "a" / "kept.py").write_bytes(NEW)
    assert undo_now(scratch).kept == ()
    assert picture(scratch) == before


def test_a_created_file_that_somebody_removed_is_no_loss(scratch: Path) -> None:
    before = make_project(scratch)
    fix_now(scratch, _created("a/new.py"), _created("new.py"))
    (scratch / "a" / "new.py").unlink()
    (scratch / "a").rmdir()
    assert undo_now(scratch).kept == ()
    assert picture(scratch) == before


def test_a_folder_that_holds_more_stays(scratch: Path) -> None:
    before = make_project(scratch)
    fix_now(scratch, _created("a/b/new.py"))
    (scratch / "a" / "mine.txt").write_bytes(b"mine\n")
    assert undo_now(scratch).kept == ()
    assert set(picture(scratch)) - set(before) == {"a", "a/mine.txt"}


def test_a_later_run_that_changed_the_created_file_is_named(scratch: Path) -> None:
    first = fix_now(scratch, _created("a/new.py"))
    second = fix_now(scratch, FileChange("a/new.py", NEW, b"value = 2\n"))
    (kept,) = undo_now(scratch, first.id).kept
    assert (kept.path, second.id in kept.reason) == ("a/new.py", True)
    assert undo_now(scratch, second.id).kept == ()
    assert undo_now(scratch, first.id).kept == ()
    assert picture(scratch) == {}


def test_a_created_file_is_taken_back_and_created_again_in_one_run(scratch: Path) -> None:
    with held(scratch) as lock, begin_run(lock, "fix", SystemClock().now) as run:
        for _ in range(3):
            run.apply([_created("a/b/new.py")])
            assert run.take_back(["a/b/new.py"]) == ()
            assert (picture(scratch), run.changed) == ({}, ())
        run.apply([_created("a/b/new.py")])
        run.commit()
    assert (scratch / "a" / "b" / "new.py").read_bytes() == NEW
    assert undo_now(scratch).kept == ()
    assert picture(scratch) == {}


def test_a_file_and_a_folder_of_the_same_name_leave_nothing_behind(scratch: Path) -> None:
    before = make_project(scratch)
    with pytest.raises(SophiaError) as refused:
        fix_now(scratch, _created("a"), _created("a/b.py"))
    assert isinstance(refused.value, FileRefused | FileChanged)
    assert picture(scratch) == before


def test_one_damaged_line_of_a_run_that_creates_never_costs_a_byte(scratch: Path) -> None:
    lines = 8
    for damaged in range(lines):
        root = scratch / str(damaged)
        root.mkdir()
        before = make_project(root)
        fix_now(root, _created("a/new.py"), _created("other.py"))
        after = picture(root)
        (path,) = (root / ".sophia" / "runs").glob("*/journal.jsonl")
        content = path.read_bytes().splitlines(keepends=True)
        assert len(content) == lines + 1
        content[damaged] = content[damaged].replace(b'"record"', b'"recorf"')
        path.write_bytes(b"".join(content))

        settled = recover_now(root)
        kept = settled[0].kept if settled else undo_now(root).kept

        found = picture(root)
        left = {one.path for one in kept}
        for name in ("a/new.py", "other.py"):
            assert found.get(name) == (after[name] if name in left else None), f"line {damaged + 1}: {name}"
        assert all(found[name] == entry for name, entry in before.items())


def test_a_journal_that_came_with_the_checkout_removes_no_folder_elsewhere(scratch: Path) -> None:
    root = scratch / "project"
    for folder in ("outside", "project/.git/empty", "project/mine"):
        (scratch / folder).mkdir(parents=True)
    (root / "link").symlink_to("../outside")
    (root / "mine" / "file").write_bytes(b"")
    fix_now(root, _created("a/new.py"))
    (path,) = (root / ".sophia" / "runs").glob("*/journal.jsonl")
    records = read_journal(path).records
    evil = [
        Folders(("../outside", ".git/empty", "link", "mine", "/")) if isinstance(r, Folders) else r for r in records
    ]
    path.write_bytes(b"".join(encode(record, number) for number, record in enumerate(evil)))
    assert undo_now(root).kept == ()
    assert {"outside", "project/.git/empty", "project/mine/file", "project/link"} <= set(picture(scratch))


_NAMES = st.from_regex(r"[a-c]{1,2}(/[a-c]{1,2}){0,2}\.py", fullmatch=True)
_TURNS = st.lists(st.dictionaries(_NAMES, st.binary(max_size=60), max_size=4), min_size=1, max_size=3)


@given(there=st.dictionaries(_NAMES, st.binary(max_size=60), max_size=3), turns=_TURNS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_apply_then_undo_is_identity_also_with_created_files(
    there: dict[str, bytes], turns: list[dict[str, bytes]], scratch: Path
) -> None:
    root = Path(tempfile.mkdtemp(dir=scratch))
    for path, data in there.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    pictures = []
    for turn in turns:
        pictures.append(picture(root))
        # Taken from the disk at the moment of the run: what is there is changed, the rest is created.
        known = {path: (root / path).read_bytes() if (root / path).exists() else None for path in turn}
        run = fix_now(root, *(FileChange(path, known[path], data) for path, data in turn.items()))
        assert all((root / path).read_bytes() == data for path, data in turn.items())
        if not run.changed:
            assert picture(root) == pictures.pop()
    while pictures:
        assert undo_now(root).kept == ()
        assert picture(root) == pictures.pop()
