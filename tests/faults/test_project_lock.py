"""One Sophia at a time: the second waits, then names the holder; a killed holder holds nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from faulty_project import LIMIT_S, fix_now, held, make_project, picture, start_child

from sophia_cli.core.errors import BusyError, SophiaError, UnavailableError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.locks import project_lock, read_holder
from sophia_cli.project.runs.recovery import recover_when_idle
from sophia_cli.project.runs.transactions import FileChange, begin_run
from sophia_cli.project.state_folder import StateFolder


class HandClock:
    """A clock that moves only when somebody pauses, and tells how often that was."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.pauses = 0

    def now(self) -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    def pause(self, seconds: float) -> None:
        assert 0 < seconds <= 0.05
        self.elapsed += seconds
        self.pauses += 1


def test_the_second_gives_up_after_its_wait_and_names_the_holder(scratch: Path) -> None:
    with start_child(scratch, "hold") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        clock = HandClock()
        with pytest.raises(BusyError) as busy, project_lock(scratch, "second", 1.0, clock):
            pytest.fail("two hold the project")
        assert busy.value.message.startswith(
            f"the project `{scratch}` is held by pid {child.pid} (`child hold`) since 20"
        )
        assert busy.value.message.endswith("; gave up after 1 s")
        assert (busy.value.reference, int(busy.value.exit_code)) == ("project-busy", 75)
        assert 1.0 <= clock.elapsed < 1.1
        child.communicate(timeout=LIMIT_S)


def test_a_second_process_exits_75_and_changes_nothing(scratch: Path) -> None:
    before = make_project(scratch)
    with held(scratch), start_child(scratch, "commit") as child:
        out, _ = child.communicate(timeout=LIMIT_S)
        assert (child.returncode, f"pid {os.getpid()} (`test`)" in out) == (75, True)
    assert picture(scratch) == before


def test_the_second_goes_on_once_the_first_is_done(scratch: Path) -> None:
    make_project(scratch)
    with start_child(scratch, "hold") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with start_child(scratch, "commit", "trace", wait_s=LIMIT_S) as second:
            assert second.stderr is not None
            # The state folder is there, so the second is at the lock.
            assert second.stderr.readline() == "state-folder-made\n"
            first.communicate(timeout=LIMIT_S)
            second.communicate(timeout=LIMIT_S)
            assert second.returncode == 0


def test_the_kernel_frees_the_lock_of_a_killed_holder_although_its_workers_live_on(scratch: Path) -> None:
    holder = """
import os, sys
from pathlib import Path
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.locks import project_lock

with project_lock(Path(sys.argv[1]), "holder", 0.0, SystemClock()):
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        sys.stdin.read()
        os._exit(0)
    os.wait()
"""
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(scratch)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        process.kill()
        process.wait(timeout=LIMIT_S)
        os.kill(worker, 0)
        with project_lock(scratch, "next", LIMIT_S, SystemClock()) as lock:
            assert lock.held
        process.stdin.close()


def test_a_lock_file_removed_while_waiting_does_not_let_two_in(scratch: Path) -> None:
    class RemovingClock(HandClock):
        def pause(self, seconds: float) -> None:
            super().pause(seconds)
            if self.pauses == 1:
                shutil.rmtree(scratch / ".sophia")
                child.communicate(timeout=LIMIT_S)

    with start_child(scratch, "hold") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with (
            project_lock(scratch, "second", 5.0, RemovingClock()),
            pytest.raises(BusyError),
            project_lock(scratch, "third", 0.0, HandClock()),
        ):
            pytest.fail("two hold the project")


def test_a_run_cannot_be_used_after_its_lock_is_gone(scratch: Path) -> None:
    make_project(scratch)
    with held(scratch) as lock:
        run = begin_run(lock, "fix", SystemClock().now)
    with pytest.raises(ValueError, match="closed"):
        run.apply([FileChange("alpha.py", b"x = (1\r\n", b"new\n")])


def test_long_and_odd_commands_are_told_to_others(scratch: Path) -> None:
    with project_lock(scratch, "sophia fix caf\xe9 \udcff " + "x" * 5000, 0.0, SystemClock()):
        holder = read_holder(StateFolder(scratch))
    assert holder is not None
    assert (holder.pid, holder.command[:21]) == (os.getpid(), "sophia fix caf\xe9 \udcff xxx")


def test_an_unreadable_holder_does_not_hide_that_the_project_is_busy(scratch: Path) -> None:
    with held(scratch):
        (scratch / ".sophia" / "lock").write_bytes(b"garbage")
        with pytest.raises(BusyError, match="held by another Sophia"), held(scratch):
            pytest.fail("two hold the project")


def test_the_state_folder_is_private_and_ignored_by_git(scratch: Path) -> None:
    (scratch / "one.py").write_bytes(b"old\n")
    fix_now(scratch, FileChange("one.py", b"old\n", b"new\n"))
    state = scratch / ".sophia"
    folders = [state, *(path for path in state.rglob("*") if path.is_dir())]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in state.rglob("*") if path.is_file()} == {0o600}
    assert (state / ".gitignore").read_bytes() == b"*\n"


def test_foreign_files_in_the_state_folder_are_left_alone(scratch: Path) -> None:
    state = scratch / ".sophia"
    (state / "backups").mkdir(parents=True)
    for path in (".gitignore", "notes.txt", "backups/readme"):
        (state / path).write_bytes(b"mine\n")
        (state / path).chmod(0o644)
    (scratch / "one.py").write_bytes(b"old\n")
    fix_now(scratch, FileChange("one.py", b"old\n", b"new\n"))
    for path in (".gitignore", "notes.txt", "backups/readme"):
        assert ((state / path).read_bytes(), (state / path).stat().st_mode & 0o777) == (b"mine\n", 0o644)


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_state_folder_that_is_none_is_refused(kind: str, scratch: Path) -> None:
    root = scratch / "project"
    root.mkdir()
    (scratch / "outside").mkdir()
    if kind == "link":
        (root / ".sophia").symlink_to(scratch / "outside")
    else:
        (root / ".sophia").write_bytes(b"mine\n")
    with pytest.raises(SophiaError) as refused, held(root):
        pytest.fail("the lock was taken")
    assert refused.value.reference == "state-folder-refused"
    assert list((scratch / "outside").iterdir()) == []


_AS_NOBODY = """
import os, sys
from pathlib import Path
from sophia_cli.core.errors import UnavailableError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.locks import project_lock
from sophia_cli.project.runs.recovery import recover_when_idle
from sophia_cli.project.runs.undo import list_runs

os.setgid(65534), os.setuid(65534)
root = Path(sys.argv[1])
assert recover_when_idle(root, "list", SystemClock()) == ()
try:
    runs = list_runs(root)
except UnavailableError as error:
    assert (root / ".sophia").exists() and error.reference == "state-folder-unavailable"
else:
    assert not (root / ".sophia").exists() and runs == ()
try:
    with project_lock(root, "fix", 0.0, SystemClock()):
        sys.exit("the lock was taken")
except UnavailableError as error:
    sys.exit(int(error.exit_code))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize("state_folder_of_root", [False, True])
def test_where_nothing_can_be_written_writers_are_told_and_runs_that_cannot_be_seen_are_not_denied(
    state_folder_of_root: bool, scratch: Path
) -> None:
    root = scratch / "project"
    root.mkdir()
    scratch.chmod(0o755)
    root.chmod(0o755)
    if state_folder_of_root:
        StateFolder(root).ensure()
    done = subprocess.run([sys.executable, "-c", _AS_NOBODY, str(root)], check=False, timeout=LIMIT_S)
    assert done.returncode == int(UnavailableError.exit_code)


def test_recover_when_idle_leaves_a_run_under_way_alone(scratch: Path) -> None:
    before = make_project(scratch)
    with held(scratch) as lock, begin_run(lock, "fix", SystemClock().now) as run:
        run.apply([FileChange("alpha.py", before["alpha.py"][2], b"new\n")])
        assert recover_when_idle(scratch, "list", SystemClock()) == ()
        assert (scratch / "alpha.py").read_bytes() == b"new\n"
        run.commit()
