"""A real process that does one thing with transactions; the fault tests kill, stop and interrupt it.

Usage: transaction_child.py ROOT ACTION [WAIT_S]. Exits with the error's exit code and prints its reference on stdout.

`transaction_child.py serve` reads requests from stdin instead (root, action, failpoints, file for stderr; tabs between)
and forks a process for each, since hundreds of interpreters would take minutes to start. It answers with exit codes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sophia_cli.core.errors import SophiaError
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.failpoints import VARIABLE
from sophia_cli.project.locks import HeldLock, project_lock
from sophia_cli.project.runs.pruning import Retention, prune
from sophia_cli.project.runs.recovery import recover
from sophia_cli.project.runs.transactions import FileChange, Run, begin_run
from sophia_cli.project.runs.undo import undo_run

# Grows, shrinks, and stays: (path, bytes before, bytes after the first round, bytes after the second or None).
FILES: tuple[tuple[str, bytes, bytes, bytes | None], ...] = (
    ("alpha.py", b"x = (1\r\n", b"x = (1)\r\n", b"x = (1)\r\n# twice\r\n"),
    ("package/beta.py", b"\xef\xbb\xbf" + b"def f(:\n" * 400, b"\xef\xbb\xbfdef f():\n    pass\n", None),
    ("package/deep/gamma.py", b"y = [1\n", b"y = [1]\n" * 300, None),
    ("package/taken_back.py", b"z = {1\n", b"z = {1}\n", b"z = {1\n"),
)
# Created beside other files and in folders that are not there; the last one is taken back within the run.
CREATED: tuple[tuple[str, bytes], ...] = (
    ("package/created.py", b"value = 1\n"),
    ("fresh/deep/created.py", b"value = 2\n" * 200),
    ("fresh/other/dropped.py", b"value = 3\n"),
)
# Nothing is young for it.
LAST_TWO = Retention(runs=2, days=-1, at_least=1)
CREATED_AGAIN = b"value = 1\n# twice\n"
DROPPED = "fresh/other/dropped.py"


def change_in_two_rounds(run: Run) -> None:
    """Write every file, write one once more, change one that was created, take one of each kind back."""
    changes = [FileChange(path, before, after) for path, before, after, _ in FILES]
    run.apply([*changes, *(FileChange(path, None, after) for path, after in CREATED)])
    again = FileChange(CREATED[0][0], CREATED[0][1], CREATED_AGAIN)
    run.apply([FileChange("alpha.py", FILES[0][2], FILES[0][3] or b""), again])
    run.take_back(["package/taken_back.py", DROPPED])


def main(root: Path, action: str, wait_s: float) -> None:
    """Do `action` under the project's lock."""
    clock = SystemClock()
    with project_lock(root, f"child {action}", wait_s, clock) as lock:
        if action == "hold":
            sys.stdout.write("held\n")
            sys.stdout.flush()
            sys.stdin.read()
        elif action in ("commit", "abort"):
            recover(lock, clock.now)
            _change(lock, clock, commit=action == "commit")
        elif action == "commit-many":
            _change_many(lock, clock)
        elif action == "recover":
            recover(lock, clock.now)
        elif action == "prune":
            recover(lock, clock.now)
            prune(lock, clock.now, LAST_TWO)
        elif action == "undo":
            undo_run(lock, None, clock.now)
        else:
            raise ValueError(action)


def _change(lock: HeldLock, clock: SystemClock, *, commit: bool) -> None:
    with begin_run(lock, "child", clock.now) as opened:
        change_in_two_rounds(opened)
        if commit:
            opened.commit("two rounds")


def _change_many(lock: HeldLock, clock: SystemClock) -> None:
    """Add a line to every file below `many`, which is enough of them for several threads."""
    files = sorted((lock.root / "many").rglob("*.py"))
    with begin_run(lock, "child", clock.now) as opened:
        opened.apply(
            FileChange(file.relative_to(lock.root).as_posix(), file.read_bytes(), file.read_bytes() + b"# more\n")
            for file in files
        )
        opened.commit()


def run(root: str, action: str, wait_s: float) -> int:
    """Return the exit code that `sophia` would have."""
    try:
        main(Path(root), action, wait_s)
    except SophiaError as error:
        sys.stdout.write(f"{error.reference}: {error.message}\n")
        return int(error.exit_code)
    except KeyboardInterrupt:
        return 130
    return 0


def serve() -> None:
    """Fork a process for every request and answer with its exit code, negative for a signal."""
    for line in sys.stdin:
        root, action, failpoints, errors = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            os.environ.pop(VARIABLE, None)
            if failpoints:
                os.environ[VARIABLE] = failpoints
            os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
            code = 70
            try:
                code = run(root, action, 0.0)
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        sys.exit(run(sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 0.0))
