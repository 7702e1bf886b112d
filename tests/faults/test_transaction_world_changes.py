"""Somebody else touches the project while a run is under way: nothing of theirs is lost, nothing outside is written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from faulty_project import (
    KILLED,
    LIMIT_S,
    Children,
    change_while_stopped,
    fix_now,
    held,
    make_project,
    picture,
    recover_now,
    undo_now,
)

from sophia_cli.core.errors import ExitCode, UsageError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.inside import FileRefused
from sophia_cli.project.runs.atomic import FileChanged
from sophia_cli.project.runs.transactions import FileChange, begin_run
from sophia_cli.project.runs.undo import list_runs

# From after the check of all files until the very last moment before the second file is renamed.
MOMENTS = (
    "changes-checked:1",
    "backups-on-disk:1",
    "intents-on-disk:1",
    "copy-created:2",
    "copy-on-disk:4",
    "before-rename:2",
)
ROLLED_BACK = int(ExitCode.ROLLED_BACK)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_file_changed_by_a_person_keeps_their_bytes(moment: str, scratch: Path) -> None:
    before = make_project(scratch)
    edited = scratch / "package" / "beta.py"

    def edit() -> None:
        edited.write_bytes(b"mine = 1\n")

    code, out = change_while_stopped(scratch, "commit", moment, edit)

    assert (code, out.partition(":")[0]) == (ROLLED_BACK, "file-changed")
    kind, mode, _ = before["package/beta.py"]
    assert picture(scratch) == {**before, "package/beta.py": (kind, mode, b"mine = 1\n")}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_folder_swapped_for_a_link_out_of_the_project_leads_nothing_out(moment: str, scratch: Path) -> None:
    root, outside = scratch / "project", scratch / "outside"
    root.mkdir()
    make_project(root)
    (outside / "deep").mkdir(parents=True)
    for path in ("beta.py", "taken_back.py", "deep/gamma.py"):
        (outside / path).write_bytes((root / "package" / path).read_bytes())
    project_before, outside_before = picture(root), picture(outside)

    def swap() -> None:
        (root / "package").rename(root / "aside")
        (root / "package").symlink_to(outside)

    code, out = change_while_stopped(root, "commit", moment, swap)

    assert (code, out.partition(":")[0]) == (ROLLED_BACK, "file-refused")
    assert picture(outside) == outside_before
    (root / "package").unlink()
    (root / "aside").rename(root / "package")
    assert picture(root) == project_before


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_folder_swapped_for_a_file_ends_the_run_with_everything_old(moment: str, scratch: Path) -> None:
    before = make_project(scratch)

    def swap() -> None:
        (scratch / "package").rename(scratch / "aside")
        (scratch / "package").write_bytes(b"a file\n")

    code, out = change_while_stopped(scratch, "commit", moment, swap)

    assert (code, out.partition(":")[0]) == (ROLLED_BACK, "file-refused")
    assert (scratch / "package").read_bytes() == b"a file\n"
    (scratch / "package").unlink()
    (scratch / "aside").rename(scratch / "package")
    assert picture(scratch) == before


def test_recovery_keeps_and_names_what_a_person_changed_after_the_crash(children: Children, scratch: Path) -> None:
    before = make_project(scratch)

    assert children.run(scratch, "commit", "before-commit")[0] == KILLED
    (scratch / "alpha.py").write_bytes(b"mine\n")

    (recovered,) = recover_now(scratch)

    assert [(kept.path, kept.reason) for kept in recovered.kept] == [("alpha.py", "it changed since")]
    assert picture(scratch) == {**before, "alpha.py": ("file", before["alpha.py"][1], b"mine\n")}


def test_a_link_inside_the_project_is_written_through_and_survives(scratch: Path) -> None:
    (scratch / "real").mkdir()
    (scratch / "real" / "module.py").write_bytes(b"old\n")
    (scratch / "link.py").symlink_to("real/module.py")
    (scratch / "folder").symlink_to("real")
    before = picture(scratch)

    fix_now(scratch, FileChange("link.py", b"old\n", b"new\n"))
    assert picture(scratch) == {**before, "real/module.py": ("file", before["real/module.py"][1], b"new\n")}
    fix_now(scratch, FileChange("folder/module.py", b"new\n", b"newer\n"))
    undo_now(scratch)
    undo_now(scratch)

    assert picture(scratch) == before
    assert [run.files for run in list_runs(scratch)] == [("real/module.py",)] * 2


@pytest.mark.parametrize("path", ["link.py", "folder/module.py", "../outside/module.py", "/etc/hostname", ""])
def test_what_leads_out_of_the_project_is_refused(path: str, scratch: Path) -> None:
    root, outside = scratch / "project", scratch / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "module.py").write_bytes(b"old\n")
    (root / "link.py").symlink_to(outside / "module.py")
    (root / "folder").symlink_to("../outside")

    with pytest.raises(FileRefused):
        fix_now(root, FileChange(path, b"old\n", b"new\n"))

    assert (outside / "module.py").read_bytes() == b"old\n"


@pytest.mark.parametrize("path", [".git/config", ".sophia/lock", "package/.git/hooks/pre-commit"])
def test_git_and_own_state_are_never_changed(path: str, scratch: Path) -> None:
    (scratch / path).parent.mkdir(parents=True)
    (scratch / path).write_bytes(b"old\n")
    with pytest.raises(FileRefused):
        fix_now(scratch, FileChange(path, b"old\n", b"new\n"))


def test_a_read_only_file_is_refused_before_anything_changes(scratch: Path) -> None:
    before = make_project(scratch)
    (scratch / "alpha.py").chmod(0o444)
    before["alpha.py"] = ("file", 0o444, before["alpha.py"][2])
    changes = [FileChange(path, before[path][2], b"new\n") for path in ("package/beta.py", "alpha.py")]

    with pytest.raises(FileRefused, match=r"read-only \(mode 0444\)") as refused:
        fix_now(scratch, *changes)

    assert refused.value.path == "alpha.py"
    assert picture(scratch) == before


def test_check_names_the_refused_file_so_that_a_run_can_go_on_without_it(scratch: Path) -> None:
    before = make_project(scratch)
    (scratch / "alpha.py").chmod(0o400)
    (scratch / "package" / "taken_back.py").chmod(0o444)
    refused = []
    with held(scratch) as lock, begin_run(lock, "fix", SystemClock().now) as run:
        for path in ("alpha.py", "package/beta.py", "package/taken_back.py", "missing.py", "package"):
            try:
                run.check(path)
            except FileRefused as error:
                refused.append(error.path)
        run.apply([FileChange("package/beta.py", before["package/beta.py"][2], b"new\n")])
        run.commit()
    assert refused == ["alpha.py", "package/taken_back.py", "missing.py", "package"]
    assert (scratch / "package" / "beta.py").read_bytes() == b"new\n"


def test_a_hard_link_is_broken_and_the_other_name_keeps_the_old_bytes(scratch: Path) -> None:
    (scratch / "one.py").write_bytes(b"old\n")
    os.link(scratch / "one.py", scratch / "other.py")
    fix_now(scratch, FileChange("one.py", b"old\n", b"new\n"))
    assert [(scratch / name).read_bytes() for name in ("one.py", "other.py")] == [b"new\n", b"old\n"]
    undo_now(scratch)
    assert (scratch / "one.py").read_bytes() == b"old\n"


def test_extended_attributes_and_odd_modes_travel(tmp_path: Path) -> None:
    file = tmp_path / "tool.py"
    file.write_bytes(b"old\n")
    file.chmod(0o2751)
    try:
        os.setxattr(file, "user.note", b"keep me")
    except OSError as error:
        pytest.skip(f"no extended attributes here: {error.strerror}")
    fix_now(tmp_path, FileChange("tool.py", b"old\n", b"new\n"))
    assert (os.getxattr(file, "user.note"), file.stat().st_mode & 0o7777) == (b"keep me", 0o2751)
    undo_now(tmp_path)
    assert (os.getxattr(file, "user.note"), file.stat().st_mode & 0o7777) == (b"keep me", 0o2751)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_of_a_file_stays_when_root_mends_it(scratch: Path) -> None:
    file = scratch / "theirs.py"
    file.write_bytes(b"old\n")
    os.chown(file, 12345, 54321)
    file.chmod(0o4755)
    fix_now(scratch, FileChange("theirs.py", b"old\n", b"new\n"))
    facts = file.stat()
    assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o7777) == (12345, 54321, 0o4755)


def test_a_stale_change_is_refused_and_earlier_rounds_stand(scratch: Path) -> None:
    before = make_project(scratch)
    with held(scratch) as lock, begin_run(lock, "fix", SystemClock().now) as run:
        run.apply([FileChange("alpha.py", before["alpha.py"][2], b"new\n")])
        with pytest.raises(FileChanged):
            run.apply(
                [
                    FileChange("package/beta.py", before["package/beta.py"][2], b"new\n"),
                    FileChange("alpha.py", before["alpha.py"][2], b"newer\n"),
                ]
            )
        run.commit()
    assert picture(scratch) == {**before, "alpha.py": ("file", before["alpha.py"][1], b"new\n")}


def test_a_run_does_not_claim_a_file_that_a_person_changed_under_it(children: Children, scratch: Path) -> None:
    before = make_project(scratch)
    alpha, beta = before["alpha.py"][2], before["package/beta.py"][2]
    with held(scratch) as lock, begin_run(lock, "fix", SystemClock().now) as run:
        run.apply([FileChange("alpha.py", alpha, b"new\n"), FileChange("package/beta.py", beta, b"new\n")])
        (scratch / "package" / "beta.py").write_bytes(b"mine\n")
        assert [kept.path for kept in run.take_back(["package/beta.py"])] == ["package/beta.py"]
        assert run.changed == ("alpha.py",)
        run.commit()
    result = undo_now(scratch)
    assert (result.restored, result.kept) == (("alpha.py",), ())
    assert (scratch / "package" / "beta.py").read_bytes() == b"mine\n"


def test_two_different_changes_of_one_file_in_one_call_are_refused(scratch: Path) -> None:
    before = make_project(scratch)
    beta = before["package/beta.py"][2]
    with pytest.raises(UsageError):
        fix_now(scratch, FileChange("package/beta.py", beta, b"one\n"), FileChange("link.py", beta, b"two\n"))
    fix_now(scratch, FileChange("package/beta.py", beta, b"one\n"), FileChange("link.py", beta, b"one\n"))
    assert (scratch / "package" / "beta.py").read_bytes() == b"one\n"


def _leave_quietly(run_and_raise: Callable[[], None]) -> None:
    with pytest.raises(RuntimeError, match="from outside"):
        run_and_raise()


def test_an_exception_in_the_block_takes_the_run_back(scratch: Path) -> None:
    before = make_project(scratch)

    def fail() -> None:
        with held(scratch) as lock, begin_run(lock, "fix", SystemClock().now) as run:
            run.apply([FileChange("alpha.py", before["alpha.py"][2], b"new\n")])
            raise RuntimeError("from outside")

    _leave_quietly(fail)
    assert picture(scratch) == before
    assert list_runs(scratch) == ()


def test_many_folders_are_changed_and_undone_with_few_open_files(scratch: Path) -> None:
    changes = []
    for number in range(150):
        folder = scratch / f"package_{number}"
        folder.mkdir()
        (folder / "module.py").write_bytes(b"old\n")
        changes.append(FileChange(f"package_{number}/module.py", b"old\n", b"new %d\n" % number))
    before = picture(scratch)
    fix_now(scratch, *changes)
    assert all((scratch / change.path).read_bytes() == change.after for change in changes)
    assert len(undo_now(scratch).restored) == 150
    assert picture(scratch) == before


_AS_NOBODY = """
import os, sys
from pathlib import Path
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.inside import FileRefused
from sophia_cli.project.locks import project_lock
from sophia_cli.project.runs.transactions import FileChange, begin_run

os.setgroups([]), os.setgid(65534), os.setuid(65534)
clock = SystemClock()
with project_lock(Path(sys.argv[1]), "fix", 0.0, clock) as lock, begin_run(lock, "fix", clock.now) as run:
    for path in sys.argv[2:]:
        try:
            run.apply([FileChange(path, b"old\\n", b"new\\n")])
        except FileRefused as refused:
            print(refused.path, refused.reason)
    run.commit()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_what_another_user_owns_or_protects_is_refused_with_the_reason(scratch: Path) -> None:
    scratch.chmod(0o755)
    root = scratch / "project"
    for folder in ("protected", "handed_on"):
        (root / folder).mkdir(parents=True)
    paths = (
        *("mine.py", "theirs.py", "theirs_for_all.py", "unreadable.py", "protected/mine.py"),
        *("their_group.py", "handed_on/mine.py"),
    )
    for name in paths:
        (root / name).write_bytes(b"old\n")
    for name in (".", "mine.py", "unreadable.py", "protected", "protected/mine.py"):
        os.chown(root / name, 65534, 65534)
    for name in ("their_group.py", "handed_on", "handed_on/mine.py"):
        os.chown(root / name, 65534, 0)
    (root / "handed_on").chmod(0o2755)
    (root / "theirs_for_all.py").chmod(0o666)
    (root / "unreadable.py").chmod(0o200)
    (root / "protected").chmod(0o555)

    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(root), *paths],
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT_S,
    )

    assert done.stdout.splitlines() == [
        "theirs.py you may not write it",
        "theirs_for_all.py it belongs to user 0, which replacing it would change",
        "unreadable.py it cannot be read: Permission denied",
        "protected/mine.py its folder is read-only",
        "their_group.py it belongs to group 0, which you are not in and replacing it would change",
    ]
    assert [path for path in paths if (root / path).read_bytes() == b"new\n"] == ["mine.py", "handed_on/mine.py"]
    assert [path.name for path in root.rglob("*.tmp")] == []
