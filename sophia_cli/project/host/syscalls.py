"""System calls that the standard library has no function for; what a system lacks or refuses is a `Missing` value.

Sources: prctl(2) PR_SET_CHILD_SUBREAPER, pidfd_open(2), pidfd_getfd(2), fallocate(2) FALLOC_FL_PUNCH_HOLE.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import signal
import sys
from typing import Any

from sophia_cli.project.host.missing import Missing

_PR_SET_CHILD_SUBREAPER = 36
# One number on every Linux architecture that Python runs on (the unified table of 5.x).
_SYS_PIDFD_GETFD = 438
_FALLOC_FL_KEEP_SIZE = 0x01
_FALLOC_FL_PUNCH_HOLE = 0x02
# What a kernel, a sandbox (seccomp) or a security module answers instead of doing it.
_REFUSALS = frozenset((errno.ENOSYS, errno.EPERM, errno.EACCES, errno.EINVAL, errno.EOPNOTSUPP))
# Also for want of descriptors: that says nothing of the process.
_NO_PIDFD = frozenset((errno.ENOSYS, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENODEV, errno.ENOMEM))
_PTRACE_SCOPE = "/proc/sys/kernel/yama/ptrace_scope"


def become_subreaper() -> Missing | None:
    """Make this process the parent of its orphaned descendants; None when done."""
    what = "orphans of services come back to the agent"
    if not _is_linux():
        return Missing(what, "only Linux has subreapers")
    failure = _call("prctl", ctypes.c_int(_PR_SET_CHILD_SUBREAPER), *(ctypes.c_ulong(n) for n in (1, 0, 0, 0)))
    return Missing(what, os.strerror(failure)) if failure else None


def open_pidfd(pid: int) -> int | Missing:
    """Return a descriptor of a process, close-on-exec; ProcessLookupError when there is none, OSError otherwise."""
    what = "descriptors of processes (pidfd)"
    if not hasattr(os, "pidfd_open"):
        return Missing(what, "this system or this Python has no pidfd_open")
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in _NO_PIDFD:
            return Missing(what, error.strerror or "refused")
        raise


def signal_pidfd(pidfd: int, number: signal.Signals) -> bool:
    """Send a signal to exactly the process that a descriptor stands for; False when it has ended already."""
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    return True


def take_descriptor(pidfd: int, number: int) -> int | Missing:
    """Return a copy of another process's descriptor, close-on-exec.

    Raises ProcessLookupError when the process has ended, OSError (EBADF) when it has no descriptor of that number.
    """
    what = "listeners are taken back from running services (pidfd_getfd)"
    if not _is_linux():
        return Missing(what, "only Linux has pidfd_getfd")
    libc = _libc()
    ctypes.set_errno(0)
    taken = libc.syscall(ctypes.c_long(_SYS_PIDFD_GETFD), ctypes.c_int(pidfd), ctypes.c_int(number), ctypes.c_uint(0))
    if taken >= 0:
        return int(taken)
    failure = ctypes.get_errno()
    if failure in _REFUSALS:
        return Missing(what, _refused_ptrace(failure))
    raise OSError(failure, os.strerror(failure))


def punch_hole(file: int, start: int, length: int) -> Missing | None:
    """Give the disk blocks of a range back; the range reads as zeros and the file keeps its length. None when done.

    Raises OSError for anything but a file system that does not offer it.
    """
    what = "logs are rotated in place (fallocate)"
    if not _is_linux():
        return Missing(what, "only Linux has fallocate with holes")
    mode = _FALLOC_FL_PUNCH_HOLE | _FALLOC_FL_KEEP_SIZE
    name = "fallocate64" if hasattr(_libc(), "fallocate64") else "fallocate"
    arguments = (ctypes.c_int(file), ctypes.c_int(mode), ctypes.c_int64(start), ctypes.c_int64(length))
    failure = _call(name, *arguments)
    if failure in (errno.ENOSYS, errno.EOPNOTSUPP):
        return Missing(what, "the file system does not punch holes")
    if failure:
        raise OSError(failure, os.strerror(failure))
    return None


def missing_calls() -> tuple[Missing, ...]:
    """Return what this system lacks or refuses, found by harmless tries on this process itself."""
    if not _is_linux():
        reason = "only Linux offers it"
        names = ("subreaper", "descriptors of processes (pidfd)", "pidfd_getfd")
        return tuple(Missing(name, reason) for name in names)
    answers: list[Missing] = []
    pidfd = open_pidfd(os.getpid())
    if isinstance(pidfd, Missing):
        return (pidfd,)
    try:
        taken = take_descriptor(pidfd, pidfd)
        if isinstance(taken, Missing):
            answers.append(taken)
        else:
            os.close(taken)
            # A process may always read itself, so only this file tells about others.
            if _ptrace_scope() > 0 and os.geteuid() != 0:
                answers.append(Missing("pidfd_getfd", _refused_ptrace(errno.EPERM)))
    finally:
        os.close(pidfd)
    return tuple(answers)


def _refused_ptrace(failure: int) -> str:
    scope = _ptrace_scope()
    if failure == errno.EPERM and scope > 0:
        return f"the kernel keeps processes of one user apart (kernel.yama.ptrace_scope = {scope})"
    return os.strerror(failure)


def _ptrace_scope() -> int:
    try:
        with open(_PTRACE_SCOPE, "rb") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _is_linux() -> bool:
    return sys.platform == "linux"


@functools.cache
def _libc() -> Any:  # ctypes makes functions of any name at run time.
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> int:
    """Return 0, or the number of the error."""
    ctypes.set_errno(0)
    return 0 if getattr(_libc(), name)(*arguments) >= 0 else ctypes.get_errno() or errno.EIO
