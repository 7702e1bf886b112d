"""What the fault tests share: a project to break, a picture of its tree, and the child process that works on it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from transaction_child import CREATED, CREATED_AGAIN, DROPPED, FILES

from sophia_cli.project.clock import SystemClock
from sophia_cli.project.failpoints import VARIABLE
from sophia_cli.project.locks import HeldLock, project_lock
from sophia_cli.project.runs.recovery import Recovered, recover
from sophia_cli.project.runs.transactions import FileChange, Run, begin_run
from sophia_cli.project.runs.undo import UndoResult, undo_run

Tree = dict[str, tuple[str, int, bytes]]
MODES = (0o644, 0o755, 0o600, 0o664)
CHILD = Path(__file__).with_name("transaction_child.py")
LIMIT_S = 180.0
KILLED = -9


def make_project(root: Path) -> Tree:
    """Create the files that the child changes, a link to one and a file of no concern; return the tree."""
    for (path, before, _, _), mode in zip(FILES, MODES, strict=True):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(before)
        file.chmod(mode)
    (root / "link.py").symlink_to("package/beta.py")
    (root / "untouched.txt").write_bytes(b"mine\n")
    return picture(root)


def committed_tree(before: Tree) -> Tree:
    """Return the tree after the child's run."""
    after = dict(before)
    for path, _, first, second in FILES:
        kind, mode, _ = before[path]
        after[path] = (kind, mode, first if second is None else second)
    for folder in ("fresh", "fresh/deep"):
        after[folder] = ("folder", 0o777 & ~umask(), b"")
    for path, data in CREATED:
        if path != DROPPED:
            after[path] = ("file", 0o644 & ~umask(), CREATED_AGAIN if path == CREATED[0][0] else data)
    return after


def umask() -> int:
    """Return the permission bits that the system takes from what is created."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def picture(root: Path) -> Tree:
    """Return every file, folder and link below `root` with kind, mode and bytes, except Sophia's own state."""
    tree: Tree = {}
    for folder, folders, files in os.walk(root):
        if Path(folder) == root and ".sophia" in folders:
            folders.remove(".sophia")
        for name in (*folders, *files):
            path = Path(folder, name)
            facts = path.lstat()
            mode = stat.S_IMODE(facts.st_mode)
            relative = path.relative_to(root).as_posix()
            if path.is_symlink():
                tree[relative] = ("link", 0, os.fsencode(os.readlink(path)))
            elif path.is_dir():
                tree[relative] = ("folder", mode, b"")
            else:
                tree[relative] = ("file", mode, path.read_bytes())
    return tree


def start_child(root: Path, action: str, failpoint: str | None = None, wait_s: float = 0.0) -> subprocess.Popen[str]:
    """Start the child process; `failpoint` is what SOPHIA_FAILPOINT holds for it."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop(VARIABLE, None)
    if failpoint is not None:
        environment[VARIABLE] = failpoint
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(root), action, str(wait_s)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Children:
    """Real processes that each do one thing with a project, forked from one that has the imports behind it."""

    def __init__(self, errors: Path, script: Path = CHILD) -> None:
        """Start the serving process; `errors` is a file for what children write to stderr."""
        self._errors = errors
        self._server = subprocess.Popen(
            [sys.executable, str(script), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, root: Path, action: str, failpoints: str = "") -> tuple[int, str]:
        """Let a child run to its end; return its exit code (negative: the signal) and stderr."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{root}\t{action}\t{failpoints}\t{self._errors}\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline()), self._errors.read_text()

    def trace(self, root: Path, action: str, failpoints: str = "") -> list[str]:
        """Let a child run, disturbed by `failpoints` only, and return the failpoints that it reaches, in order."""
        return self.run(root, action, f"trace,{failpoints}" if failpoints else "trace")[1].split()

    def close(self) -> None:
        """End the serving process."""
        self._server.communicate(timeout=LIMIT_S)


def change_while_stopped(root: Path, action: str, failpoint: str, change: Callable[[], None]) -> tuple[int, str]:
    """Stop the child at `failpoint` (`name:count`), do `change`, let it go on; return its exit code and stdout."""
    with start_child(root, action, f"{failpoint}:SIGSTOP") as child:
        try:
            _, status = os.waitpid(child.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status), f"{action} never came to {failpoint}"
            change()
        finally:
            child.send_signal(signal.SIGCONT)
        out, _ = child.communicate(timeout=LIMIT_S)
    return child.returncode, out


def held(root: Path) -> AbstractContextManager[HeldLock]:
    """Hold the project's lock in this process."""
    return project_lock(root, "test", 0.0, SystemClock())


def recover_now(root: Path) -> tuple[Recovered, ...]:
    """Recover in this process."""
    with held(root) as lock:
        return recover(lock, SystemClock().now)


def undo_now(root: Path, run_id: str | None = None) -> UndoResult:
    """Undo in this process."""
    with held(root) as lock:
        return undo_run(lock, run_id, SystemClock().now)


def fix_now(root: Path, *changes: FileChange) -> Run:
    """Commit a run of these changes in this process, and return it, closed."""
    with held(root) as lock, begin_run(lock, "fix", SystemClock().now) as run:
        run.apply(changes)
        run.commit("test")
    return run
