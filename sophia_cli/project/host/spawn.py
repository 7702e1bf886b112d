"""Starting a process of a service: a session of its own, exactly the descriptors it is given, an honest error.

The agent has one thread, so forking is safe. What fails between fork and exec comes back through a pipe that exec
closes: the caller learns which step failed and why, and no half-started process is left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import signal
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.missing import Missing
from sophia_cli.project.host.processes import identify
from sophia_cli.project.host.spawn_errors import SpawnStep, spawn_failed
from sophia_cli.project.host.syscalls import open_pidfd

_FAILURE = struct.Struct("=ii")
# A folder on a file system that hangs must not hold up the agent.
_EXEC_LIMIT_S = 10.0
_MOST_FILES = 65536
_STEPS = tuple(SpawnStep)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may use: open files, and groups to enter (their `cgroup.procs` files).

    `open_files` is the limit that it cannot raise; without one it may open `usual_files` (None: as many as the agent)
    and raise that itself.
    """

    open_files: int | None = None
    usual_files: int | None = None
    groups: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class SpawnSpec:
    """A process to start. `descriptors` maps its numbers (from 3 up) to the caller's; `log` takes stdout and stderr.

    `LISTEN_PID` is set to the child's own pid when `env` holds `LISTEN_FDS`. stdin is empty. The file mode mask is 022.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: int
    descriptors: Mapping[int, int] = field(default_factory=dict)
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Spawned:
    """A process that runs its program; `pidfd` (close-on-exec, the caller's to close) is readable when it has ended."""

    identity: ProcessIdentity
    pidfd: int | None


def spawn(spec: SpawnSpec) -> Spawned:
    """Start a process and return once it runs its program.

    Raises SpawnFailed, which says at which step and why; nothing runs then.
    """
    try:
        reading, writing = os.pipe()
    except OSError as error:
        raise spawn_failed(spec.argv, spec.cwd, spec.env, SpawnStep.FORK, error.errno or 0) from error
    # A signal for the agent must not run the agent's handler in the child.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            _child(spec, writing)
    except OSError as error:
        os.close(reading)
        raise spawn_failed(spec.argv, spec.cwd, spec.env, SpawnStep.FORK, error.errno or 0) from error
    finally:
        os.close(writing)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        failure = _failure_of(reading)
    finally:
        os.close(reading)
    if failure is not None:
        _take_back(pid)
        raise spawn_failed(spec.argv, spec.cwd, spec.env, *failure)
    try:
        identity = identify(pid)
        pidfd = open_pidfd(pid)
    except OSError as error:
        # Without a name it could never be found again.
        _take_back(pid)
        raise spawn_failed(spec.argv, spec.cwd, spec.env, SpawnStep.NAME, error.errno or 0) from error
    # A child that was not waited for keeps its number, so this is never anybody else.
    assert identity is not None
    return Spawned(identity, None if isinstance(pidfd, Missing) else pidfd)


def _take_back(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _failure_of(reading: int) -> tuple[SpawnStep, int] | None:
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    if not poll.poll(_EXEC_LIMIT_S * 1000):
        return SpawnStep.TIME, 0
    message = os.read(reading, _FAILURE.size)
    if len(message) < _FAILURE.size:
        return None
    step, number = _FAILURE.unpack(message)
    return _STEPS[step], number


def _child(spec: SpawnSpec, report: int) -> NoReturn:
    step = SpawnStep.SIGNALS
    try:
        _reset_signals()
        step = SpawnStep.SESSION
        os.setsid()
        os.umask(0o022)
        step = SpawnStep.GROUP
        for group in spec.limits.groups:
            _enter(group)
        step = SpawnStep.DESCRIPTORS
        report = _arrange(spec, report)
        step = SpawnStep.LIMITS
        if spec.limits.open_files is not None:
            _limit_files(spec.limits.open_files)
        elif spec.limits.usual_files is not None:
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (spec.limits.usual_files, hard))
        step = SpawnStep.FOLDER
        os.chdir(spec.cwd)
        env = dict(spec.env)
        if "LISTEN_FDS" in env:
            env["LISTEN_PID"] = str(os.getpid())
        step = SpawnStep.PROGRAM
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execvpe(spec.argv[0], spec.argv, env)
    except OSError as error:
        os.write(report, _FAILURE.pack(_STEPS.index(step), error.errno or 0))
    except (ValueError, IndexError, OverflowError):
        # An empty command, or a zero byte in a word of it.
        os.write(report, _FAILURE.pack(_STEPS.index(step), 0))
    finally:
        # Whatever happens: the child never returns into the agent's code.
        os._exit(127)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    # All of them: what a library set behind Python's back is not what `getsignal` says.
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)


def _enter(group: Path) -> None:
    file = os.open(group, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(file, b"0")
    finally:
        os.close(file)


def _arrange(spec: SpawnSpec, report: int) -> int:
    """Give the child its descriptors and close all others; return the new number of the report pipe."""
    # A caller's number may be another one's goal, so all are copied out of the way first.
    first_free = max((2, *spec.descriptors)) + 1
    high = {number: fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, first_free) for number, source in _wanted(spec).items()}
    report = fcntl.fcntl(report, fcntl.F_DUPFD_CLOEXEC, first_free)
    empty = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(empty, 0, inheritable=True)
    for number, source in high.items():
        os.dup2(source, number, inheritable=True)
    _close_all_but({0, report, *high})
    return report


def _wanted(spec: SpawnSpec) -> dict[int, int]:
    return {1: spec.log, 2: spec.log, **spec.descriptors}


def _close_all_but(kept: set[int]) -> None:
    # Limits tell nothing of what is open (one lowered later leaves more, and a high one takes long to go through).
    folder = next((one for one in ("/proc/self/fd", "/dev/fd") if os.path.isdir(one)), None)
    numbers = range(_MOST_FILES) if folder is None else [int(name) for name in os.listdir(folder)]
    for number in numbers:
        if number not in kept:
            with contextlib.suppress(OSError):
                os.close(number)


def _limit_files(most: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))
