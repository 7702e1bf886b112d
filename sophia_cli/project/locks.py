"""The project lock: one Sophia at a time changes a project; the kernel frees the lock when its holder dies."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

from sophia_cli.core.errors import BusyError, UnavailableError
from sophia_cli.core.values import dataclass
from sophia_cli.project.clock import Clock
from sophia_cli.project.failpoints import Failpoint, failpoint
from sophia_cli.project.state_folder import StateFolder

_POLL_S = 0.05
# One fixed size, overwritten in place: naming the holder needs no disk space after the first time.
_HOLDER_BYTES = 512


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a project: process id, command line, and since when (UTC, ISO 8601)."""

    pid: int
    command: str
    since: str


class HeldLock:
    """Proof that this process holds the project at `root`; whatever changes files asks for one."""

    __slots__ = ("__weakref__", "_file", "pid", "root", "state")

    def __init__(self, state: StateFolder, file: int, pid: int) -> None:
        self.state = state
        self.pid = pid
        self.root = state.root
        self._file = file

    @property
    def held(self) -> bool:
        """Whether the lock is still held; False once its `with` block was left, and in forked children."""
        return self._file >= 0

    @property
    def descriptor(self) -> int:
        """The open lock file: a child that inherits it holds the project until it ends, even if this one is killed."""
        return self._file

    def close(self) -> None:
        """Give the lock back; harmless when that was done already."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


@contextlib.contextmanager
def project_lock(root: Path, holder: str, wait_s: float, clock: Clock) -> Iterator[HeldLock]:
    """Hold the project at `root` for the length of the `with` block; `holder` is the command that others are told.

    Waits up to `wait_s` seconds for another holder, then raises BusyError (`project-busy`) that names it. Raises what
    `StateFolder.ensure` raises when the lock has no place to be.
    """
    state = StateFolder(root)
    state.ensure()
    lock = HeldLock(state, _open(state), os.getpid())
    try:
        _acquire(lock, wait_s, clock)
        _write_holder(lock, Holder(lock.pid, holder, clock.now().isoformat(timespec="seconds")))
        _forget_in_children(lock)
        failpoint(Failpoint.LOCK_TAKEN)
        yield lock
    finally:
        lock.close()


def read_holder(state: StateFolder) -> Holder | None:
    """Return who last wrote its name into the lock, or None when that cannot be read."""
    try:
        text = state.lock_file.read_bytes()
        fields = json.loads(text)
        return Holder(int(fields["pid"]), str(fields["command"]), str(fields["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _open(state: StateFolder) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(state.lock_file, flags, 0o600)
    except OSError as error:
        raise UnavailableError(
            "state-folder-unavailable",
            f"the lock `{state.lock_file}` cannot be opened: {error.strerror}",
            hint="make it a plain file that you may write, or remove it, then run again",
            location=str(state.lock_file),
        ) from error


def _acquire(lock: HeldLock, wait_s: float, clock: Clock) -> None:
    deadline = clock.monotonic() + wait_s
    while not _try(lock):
        left = deadline - clock.monotonic()
        if left <= 0:
            raise _busy(lock.state, wait_s)
        clock.pause(min(_POLL_S, left))


def _try(lock: HeldLock) -> bool:
    try:
        fcntl.flock(lock._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise UnavailableError(
            "lock-unsupported",
            f"`{lock.state.lock_file}` cannot be locked: {error.strerror}",
            hint="the file system of the project must support advisory locks",
        ) from error
    if _is_current(lock):
        return True
    # The file was removed while we waited: whoever comes next locks another one, so this lock would guard nothing.
    lock.close()
    lock.state.ensure()
    lock._file = _open(lock.state)
    return _try(lock)


def _is_current(lock: HeldLock) -> bool:
    try:
        there = os.stat(lock.state.lock_file, follow_symlinks=False)
    except FileNotFoundError:
        return False
    here = os.fstat(lock._file)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _write_holder(lock: HeldLock, holder: Holder) -> None:
    command = holder.command
    while True:
        text = json.dumps({"pid": holder.pid, "since": holder.since, "command": command}).encode("ascii")
        if len(text) < _HOLDER_BYTES:
            break
        command = command[: len(command) * 3 // 4]
    # A full disk must not keep anyone from undoing: without room the holder goes unnamed.
    with contextlib.suppress(OSError):
        os.pwrite(lock._file, text.ljust(_HOLDER_BYTES - 1) + b"\n", 0)


def _forget_in_children(lock: HeldLock) -> None:
    """Keep forked workers from holding on to the lock after this process was killed."""
    reference = weakref.ref(lock)

    def close_copy() -> None:
        copy = reference()
        if copy is not None:
            copy.close()

    os.register_at_fork(after_in_child=close_copy)


def _busy(state: StateFolder, wait_s: float) -> BusyError:
    holder = read_holder(state)
    who = "another Sophia" if holder is None else f"pid {holder.pid} (`{holder.command}`) since {holder.since}"
    return BusyError(
        "project-busy",
        f"the project `{state.root}` is held by {who}; gave up after {wait_s:g} s",
        hint="wait until it is done, or raise `--wait`",
        location=str(state.root),
    )
