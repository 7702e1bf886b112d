"""Undo gives every byte back, in any order that does not conflict, and never writes over what somebody else wrote."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from faulty_project import KILLED, Children, fix_now, held, make_project, picture, recover_now, undo_now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sophia_cli.core.errors import UsageError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.runs.backups import digest
from sophia_cli.project.runs.journal import JournalContent
from sophia_cli.project.runs.recovery import RecoveryKind, recover_when_idle
from sophia_cli.project.runs.run_folders import find_run
from sophia_cli.project.runs.run_record import RunState, tell
from sophia_cli.project.runs.transactions import FileChange, begin_run
from sophia_cli.project.runs.undo import list_runs


def _three_runs(root: Path) -> list[str]:
    """Commit three runs: the first two of different files, the third on top of the first."""
    (root / "one.py").write_bytes(b"one 0\r\n")
    (root / "two.py").write_bytes(b"two 0")
    (root / "one.py").chmod(0o755)
    return [
        fix_now(root, FileChange("one.py", b"one 0\r\n", b"one 1\r\n")).id,
        fix_now(root, FileChange("two.py", b"two 0", b"two 1")).id,
        fix_now(root, FileChange("one.py", b"one 1\r\n", b"one 2\r\n")).id,
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_runs_are_undone_in_any_order_and_a_conflict_is_named(order: tuple[int, ...], scratch: Path) -> None:
    ids = _three_runs(scratch)
    undone: set[int] = set()
    for index in order:
        result = undo_now(scratch, ids[index])
        if index == 0 and 2 not in undone:
            assert [(kept.path, kept.reason) for kept in result.kept] == [
                ("one.py", f"run {ids[2]} changed it since; undo that one first")
            ]
            assert (scratch / "one.py").read_bytes() == b"one 2\r\n"
        else:
            assert result.kept == ()
            undone.add(index)
    if 0 not in undone:
        assert undo_now(scratch, ids[0]).restored == ("one.py",)
    assert picture(scratch) == {"one.py": ("file", 0o755, b"one 0\r\n"), "two.py": ("file", 0o644, b"two 0")}
    assert {run.state for run in list_runs(scratch)} == {RunState.UNDONE}


def test_without_an_id_the_last_standing_run_is_undone(scratch: Path) -> None:
    ids = _three_runs(scratch)
    assert [undo_now(scratch).run_id for _ in ids] == ids[::-1]
    with pytest.raises(UsageError) as error:
        undo_now(scratch)
    assert error.value.reference == "nothing-to-undo"


def test_a_unique_prefix_is_enough_and_an_unknown_id_lists_the_known(scratch: Path) -> None:
    ids = _three_runs(scratch)
    prefix = next(ids[1][:n] for n in range(1, 5) if sum(one.startswith(ids[1][:n]) for one in ids) == 1)
    assert undo_now(scratch, prefix).run_id == ids[1]
    with pytest.raises(UsageError) as unknown:
        undo_now(scratch, "nope")
    assert (unknown.value.reference, unknown.value.hint) == ("unknown-run", f"known runs: {', '.join(ids)}")
    with pytest.raises(UsageError):
        undo_now(scratch, "")


def test_an_exact_id_wins_over_longer_ones_and_an_ambiguous_prefix_is_refused() -> None:
    runs = [tell(run_id, JournalContent((), (), 0, 0)) for run_id in ("7f3a", "7f3a12", "7f40")]
    assert find_run(runs, "7f3a").id == "7f3a"
    assert find_run(runs, "7f4").id == "7f40"
    with pytest.raises(UsageError) as ambiguous:
        find_run(runs, "7f")
    assert (ambiguous.value.reference, ambiguous.value.message) == (
        "ambiguous-run",
        "run `7f` could be any of 7f3a, 7f3a12, 7f40",
    )


def test_a_run_that_was_rolled_back_cannot_be_undone(children: Children, scratch: Path) -> None:
    make_project(scratch)
    assert children.run(scratch, "commit", "before-commit")[0] == KILLED
    (scratch / "alpha.py").write_bytes(b"mine\n")
    (recovered,) = recover_now(scratch)
    assert [(run.id, run.state) for run in list_runs(scratch)] == [(recovered.run_id, RunState.ABORTED)]
    with pytest.raises(UsageError) as error:
        undo_now(scratch, recovered.run_id)
    assert error.value.message == f"run {recovered.run_id} is aborted: there is nothing to take back"


def test_listing_after_a_crash_settles_the_run_first(children: Children, scratch: Path) -> None:
    before = make_project(scratch)
    assert children.run(scratch, "commit")[0] == 0
    assert children.run(scratch, "undo", "after-rename:2")[0] == KILLED
    (recovered,) = recover_when_idle(scratch, "undo --list", SystemClock())
    assert (recovered.kind, recovered.kept) == (RecoveryKind.UNDO_COMPLETED, ())
    assert picture(scratch) == before
    assert recover_when_idle(scratch, "undo --list", SystemClock()) == ()
    assert [run.state for run in list_runs(scratch)] == [RunState.UNDONE]


def test_undoing_twice_says_so(scratch: Path) -> None:
    ids = _three_runs(scratch)
    undo_now(scratch, ids[2])
    with pytest.raises(UsageError) as error:
        undo_now(scratch, ids[2])
    assert (error.value.reference, error.value.message) == ("already-undone", f"run {ids[2]} is already undone")


def test_what_a_person_changed_deleted_or_replaced_is_kept_and_the_rest_is_restored(scratch: Path) -> None:
    names = ("edited.py", "deleted.py", "linked.py", "folder.py", "inside/file.py", "restored.py")
    (scratch / "inside").mkdir()
    for name in names:
        (scratch / name).write_bytes(b"old\n")
    fix_now(scratch, *(FileChange(name, b"old\n", b"new\n") for name in names))
    (scratch / "edited.py").write_bytes(b"mine\n")
    (scratch / "deleted.py").unlink()
    (scratch / "linked.py").rename(scratch / "aside.py")
    (scratch / "linked.py").symlink_to("aside.py")
    (scratch / "folder.py").unlink()
    (scratch / "folder.py").mkdir()
    (scratch / "inside").rename(scratch / "moved")
    (scratch / "inside").write_bytes(b"a file\n")
    before = picture(scratch)

    result = undo_now(scratch)

    assert result.restored == ("restored.py",)
    assert {kept.path: kept.reason for kept in result.kept} == {
        "edited.py": "it changed since",
        "deleted.py": "it was deleted or moved since",
        "linked.py": "it is a symbolic link",
        "folder.py": "it is not a regular file",
        "inside/file.py": "`inside` is not a folder",
    }
    assert picture(scratch) == {**before, "restored.py": ("file", 0o644, b"old\n")}
    assert [run.state for run in list_runs(scratch)] == [RunState.PARTLY_UNDONE]


def test_a_partly_undone_run_can_be_completed_once_the_way_is_free(scratch: Path) -> None:
    for name in ("one.py", "two.py"):
        (scratch / name).write_bytes(b"old\n")
    fix_now(scratch, *(FileChange(name, b"old\n", b"new\n") for name in ("one.py", "two.py")))
    (scratch / "one.py").write_bytes(b"mine\n")
    assert undo_now(scratch).restored == ("two.py",)
    (scratch / "two.py").write_bytes(b"worked on since\n")
    (scratch / "one.py").write_bytes(b"new\n")

    result = undo_now(scratch)

    assert (result.restored, result.kept) == (("one.py",), ())
    assert (scratch / "two.py").read_bytes() == b"worked on since\n"
    assert [run.state for run in list_runs(scratch)] == [RunState.UNDONE]


@pytest.mark.parametrize("damage", ["truncated", "changed", "missing", "a link"])
def test_a_damaged_backup_is_named_and_nothing_is_overwritten(damage: str, scratch: Path) -> None:
    before = make_project(scratch)
    alpha, beta = before["alpha.py"][2], before["package/beta.py"][2]
    fix_now(scratch, FileChange("alpha.py", alpha, b"new\n"), FileChange("package/beta.py", beta, b"new\n"))
    backup = scratch / ".sophia" / "backups" / digest(beta)
    match damage:
        case "truncated":
            backup.write_bytes(beta[:-1])
        case "changed":
            backup.write_bytes(beta.replace(b"f", b"g", 1))
        case "missing":
            backup.unlink()
        case "a link":
            backup.unlink()
            backup.symlink_to(scratch / "untouched.txt")

    result = undo_now(scratch)

    assert result.restored == ("alpha.py",)
    assert [kept.path for kept in result.kept] == ["package/beta.py"]
    assert "missing or damaged" in result.kept[0].reason
    assert (scratch / "package" / "beta.py").read_bytes() == b"new\n"


def test_a_damaged_backup_is_mended_by_the_next_run_of_the_same_bytes(scratch: Path) -> None:
    (scratch / "one.py").write_bytes(b"old\n")
    (scratch / "two.py").write_bytes(b"old\n")
    fix_now(scratch, FileChange("one.py", b"old\n", b"new\n"))
    (scratch / ".sophia" / "backups" / digest(b"old\n")).write_bytes(b"rot")
    fix_now(scratch, FileChange("two.py", b"old\n", b"new\n"))
    assert undo_now(scratch).kept == ()
    assert undo_now(scratch).kept == ()
    assert (scratch / "one.py").read_bytes() == (scratch / "two.py").read_bytes() == b"old\n"


def test_undo_keeps_the_mode_that_a_person_gave_since(scratch: Path) -> None:
    (scratch / "tool.py").write_bytes(b"old\n")
    fix_now(scratch, FileChange("tool.py", b"old\n", b"new\n"))
    (scratch / "tool.py").chmod(0o750)
    undo_now(scratch)
    assert picture(scratch) == {"tool.py": ("file", 0o750, b"old\n")}


def test_a_run_that_changed_nothing_in_the_end_is_not_listed(scratch: Path) -> None:
    (scratch / "one.py").write_bytes(b"old\n")
    with held(scratch) as lock, begin_run(lock, "fix", SystemClock().now) as run:
        run.apply([FileChange("one.py", b"old\n", b"new\n")])
        assert run.take_back(["one.py"]) == ()
        assert run.changed == ()
        run.commit()
    assert list_runs(scratch) == ()
    assert (scratch / "one.py").read_bytes() == b"old\n"


def test_listing_tells_command_files_and_order_and_creates_nothing(scratch: Path) -> None:
    assert list_runs(scratch) == ()
    assert not (scratch / ".sophia").exists()
    ids = _three_runs(scratch)
    runs = list_runs(scratch)
    assert [(run.id, run.command, run.files, run.state) for run in runs] == [
        (ids[0], "fix", ("one.py",), RunState.COMMITTED),
        (ids[1], "fix", ("two.py",), RunState.COMMITTED),
        (ids[2], "fix", ("one.py",), RunState.COMMITTED),
    ]


def test_nothing_is_recovered_where_nothing_is_unfinished(scratch: Path) -> None:
    _three_runs(scratch)
    assert recover_now(scratch) == ()


_NAMES = st.from_regex(r"[a-z\xe9 ]{1,6}\.(py|txt)", fullmatch=True)
_FOLDERS = st.sampled_from(["", "a", "a/b", "c d"])
_MODES = st.sampled_from([0o644, 0o600, 0o755, 0o640, 0o777, 0o200 | 0o444])
_FILES = st.dictionaries(
    st.tuples(_FOLDERS, _NAMES).map(lambda pair: "/".join(part for part in pair if part)),
    st.tuples(st.binary(max_size=200), _MODES, st.lists(st.binary(max_size=200), max_size=3)),
    min_size=1,
    max_size=6,
)


@given(files=_FILES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_apply_then_undo_is_identity(files: dict[str, tuple[bytes, int, list[bytes]]], scratch: Path) -> None:
    root = Path(tempfile.mkdtemp(dir=scratch))
    for path, (content, mode, _) in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
        (root / path).chmod(mode)
    before = picture(root)
    with held(root) as lock, begin_run(lock, "fix", SystemClock().now) as run:
        for turn in range(3):
            changes = []
            for path, (_, _, versions) in files.items():
                if turn < len(versions):
                    changes.append(FileChange(path, (root / path).read_bytes(), versions[turn]))
            run.apply(changes)
        run.commit()
    for path, (content, mode, versions) in files.items():
        assert (root / path).read_bytes() == (versions[-1] if versions else content)
        assert (root / path).stat().st_mode & 0o7777 == mode

    if list_runs(root):
        assert undo_now(root).kept == ()

    assert picture(root) == before
