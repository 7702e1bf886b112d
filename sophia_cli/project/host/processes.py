"""Facts of running processes, their trees, and signals that never reach a process that took over a number.

A process belongs to an instance when it is the instance's first process, a descendant, in its session, or carries the
instance's name in `SOPHIA_INSTANCE`; so children that made a session of their own and orphans are found as well.
"""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable, Iterable, Mapping

from sophia_cli.core.values import dataclass
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.missing import Missing
from sophia_cli.project.host.proc_files import (
    PROC,
    ProcessFacts,
    all_pids,
    children_of,
    owner_of,
    read_bytes,
    read_facts,
)
from sophia_cli.project.host.syscalls import open_pidfd, signal_pidfd

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MOST_LOOKS = 20


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process keeps in memory, in bytes: all of it (`rss`), and with shared pages divided by sharers (`pss`)."""

    rss: int
    pss: int


@dataclass(frozen=True, slots=True)
class ProjectProcess:
    """A process that carries the name of a project in its environment, with what else Sophia put there."""

    identity: ProcessIdentity
    parent: int
    session: int
    service: str
    release: str
    instance: str


@functools.cache
def boot_id() -> str:
    """Return the name that the kernel gave to this boot, `unknown` on systems without one."""
    text = read_bytes(f"{PROC}/sys/kernel/random/boot_id")
    return "unknown" if text is None else text.decode("ascii", "replace").strip()


def identify(pid: int) -> ProcessIdentity | None:
    """Return who the process of that number is at this moment; None when there is none (a zombie still is one)."""
    facts = read_facts(pid)
    return None if facts is None else identity_of(facts)


def identity_of(facts: ProcessFacts) -> ProcessIdentity:
    """Return the identity of a process whose facts were read in this boot."""
    return ProcessIdentity(facts.pid, facts.start_ticks, boot_id())


def facts_of(identity: ProcessIdentity) -> ProcessFacts | None:
    """Return the facts of exactly this process; None when it is gone, also when its number is used again."""
    if identity.boot_id != boot_id():
        return None
    facts = read_facts(identity.pid)
    return facts if facts is not None and facts.start_ticks == identity.start_ticks else None


def is_running(identity: ProcessIdentity) -> bool:
    """Whether exactly this process still runs; a zombie does not."""
    facts = facts_of(identity)
    return facts is not None and not facts.has_ended


def open_process(identity: ProcessIdentity) -> int | Missing | None:
    """Return a pidfd of exactly this process; None when it is gone or its number is used by another one.

    Missing tells nothing of the process: the system has no pidfd, or is short of descriptors.
    """
    try:
        pidfd = open_pidfd(identity.pid)
    except OSError:
        # No process has the number; one that is a thread's leads no process either.
        return None
    if isinstance(pidfd, Missing):
        return pidfd
    # The descriptor holds on to whoever has the number now, so what is read after this is about that very process.
    try:
        facts = facts_of(identity)
    except OSError as error:
        os.close(pidfd)
        return Missing("facts of processes", error.strerror or "unreadable")
    if facts is None:
        os.close(pidfd)
        return None
    return pidfd


def send_signal(identity: ProcessIdentity, number: signal.Signals) -> bool:
    """Send a signal to exactly this process; False when it is gone. Raises PermissionError for another user's."""
    pidfd = open_process(identity)
    if pidfd is None:
        return False
    if isinstance(pidfd, Missing):
        # Without pidfd the time between looking and sending stays; start times keep it to microseconds.
        if not is_running(identity):
            return False
        try:
            os.kill(identity.pid, number)
        except ProcessLookupError:
            return False
        return True
    try:
        return signal_pidfd(pidfd, number)
    finally:
        os.close(pidfd)


def command_line(pid: int) -> tuple[str, ...]:
    """Return the words that a process was started with; empty when it is gone or a kernel thread."""
    text = read_bytes(f"{PROC}/{pid}/cmdline")
    if not text:
        return ()
    return tuple(word.decode("utf-8", "replace") for word in text.removesuffix(b"\0").split(b"\0"))


def environment_value(pid: int, name: str) -> str | None:
    """Return one variable of the environment that a process was started with, None when absent or unreadable."""
    text = read_bytes(f"{PROC}/{pid}/environ")
    return None if text is None else _variable(text, name)


def memory_of(pid: int) -> Memory | None:
    """Return what a process keeps in memory; None when it is gone or belongs to somebody else."""
    text = read_bytes(f"{PROC}/{pid}/smaps_rollup")
    if text is None:
        return None
    figures = {line.partition(b":")[0]: line.split() for line in text.splitlines()}
    if b"Pss" not in figures:
        return None
    return Memory(int(figures[b"Rss"][1]) * 1024, int(figures[b"Pss"][1]) * 1024)


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process, shared pages in full; 0 when it is gone. Costs one small read."""
    text = read_bytes(f"{PROC}/{pid}/statm")
    fields = (text or b"").split()
    return int(fields[1]) * _PAGE if len(fields) > 1 else 0


def running_for_s(identity: ProcessIdentity) -> float | None:
    """Return for how many seconds exactly this process runs, whatever the wall clock does; None when it is gone."""
    uptime = read_bytes(f"{PROC}/uptime")
    if uptime is None or not is_running(identity):
        return None
    return max(0.0, float(uptime.split()[0]) - identity.start_ticks / os.sysconf("SC_CLK_TCK"))


def descendants_of(pid: int) -> tuple[int, ...]:
    """Return the pids of all descendants of a process, nearest first, without itself."""
    found: list[int] = []
    known = {pid}
    level = [pid]
    while level:
        level = [child for parent in level for child in children_of(parent) if child not in known]
        known.update(level)
        found.extend(level)
    return tuple(found)


def tree_memory(root: ProcessIdentity, limit: int) -> int:
    """Return the bytes that an instance's first process and its descendants keep; 0 when it is gone.

    Resident memory counts shared pages once for each process; only when that sum is over `limit` are the pages divided
    by who shares them, which takes the kernel some milliseconds.
    """
    if not is_running(root):
        return 0
    pids = (root.pid, *descendants_of(root.pid))
    resident = sum(resident_bytes(pid) for pid in pids)
    if resident <= limit:
        return resident
    exact = [memory_of(pid) for pid in pids]
    return sum(memory.pss for memory in exact if memory is not None)


def members_of(
    root: ProcessIdentity,
    instance: str,
    facts: Iterable[ProcessFacts] | None = None,
    own_pid: int | None = None,
    listed: Callable[[], Iterable[int]] = all_pids,
) -> tuple[ProcessIdentity, ...]:
    """Return all running processes of an instance, its first one first when it still runs; never this process.

    `instance` is the value of `SOPHIA_INSTANCE` (empty: not looked for); `facts` a look at all processes taken before;
    `listed` names the processes that there are.
    """
    if root.boot_id != boot_id():
        return ()
    me = os.getpid() if own_pid is None else own_pid
    if facts is not None:
        return _members(root, instance, {one.pid: one for one in facts}, me)
    seen: set[int] = set()
    look: dict[int, ProcessFacts] = {}
    members: tuple[ProcessIdentity, ...] = ()
    for _ in range(_MOST_LOOKS):
        fresh = set(listed()) - seen
        if seen and not fresh:
            break
        # Who forks and ends while others are read is known by the child only, so whoever came since is read, too.
        seen |= fresh
        look |= {pid: one for pid in fresh if (one := read_facts(pid)) is not None}
        members = _members(root, instance, look, me)
    return members


def _members(
    root: ProcessIdentity, instance: str, look: Mapping[int, ProcessFacts], me: int
) -> tuple[ProcessIdentity, ...]:
    now = look.get(root.pid)
    is_recycled = now is not None and now.start_ticks != root.start_ticks
    members: set[int] = set()
    if now is not None and not is_recycled:
        members.add(root.pid)
    for one in look.values():
        if one.start_ticks < root.start_ticks or one.pid == me or (is_recycled and one.pid == root.pid):
            continue
        # With its first process gone, a session number may be another's: then it needs a second sign.
        in_session = one.session == root.pid and not is_recycled
        if (in_session and (now is not None or one.parent == me)) or (instance and _carries(one, instance)):
            members.add(one.pid)
    _add_descendants(members, look, me)
    ordered = sorted(members, key=lambda pid: (pid != root.pid, look[pid].start_ticks, pid))
    return tuple(identity_of(look[pid]) for pid in ordered if not look[pid].has_ended)


def processes_of_project(root: str) -> tuple[ProjectProcess, ...]:
    """Return the running processes of this user whose environment names the project at `root` in `SOPHIA_PROJECT`."""
    me = os.geteuid()
    found: list[ProjectProcess] = []
    for pid in all_pids():
        if owner_of(pid) != me or (text := read_bytes(f"{PROC}/{pid}/environ")) is None:
            continue
        if _variable(text, "SOPHIA_PROJECT") != root:
            continue
        facts = read_facts(pid)
        if facts is None or facts.has_ended:
            continue
        names = (_variable(text, f"SOPHIA_{name}") or "" for name in ("SERVICE", "RELEASE", "INSTANCE"))
        found.append(ProjectProcess(identity_of(facts), facts.parent, facts.session, *names))
    return tuple(found)


def _carries(facts: ProcessFacts, instance: str) -> bool:
    return not facts.has_ended and environment_value(facts.pid, "SOPHIA_INSTANCE") == instance


def _add_descendants(members: set[int], look: Mapping[int, ProcessFacts], me: int) -> None:
    children: dict[int, list[int]] = {}
    for one in look.values():
        children.setdefault(one.parent, []).append(one.pid)
    waiting = list(members)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in members and child != me:
                members.add(child)
                waiting.append(child)


def _variable(environment: bytes, name: str) -> str | None:
    prefix = name.encode("ascii") + b"="
    for entry in environment.split(b"\0"):
        if entry.startswith(prefix):
            return os.fsdecode(entry[len(prefix) :])
    return None
