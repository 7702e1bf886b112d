"""Reading `/proc/PID/`: one value for what is said of a process; a process that ended meanwhile is None or empty."""

from __future__ import annotations

import os
from enum import Enum

from sophia_cli.core.values import dataclass

PROC = "/proc"
# A kernel thread or a process that ends while it is read answers with one of these.
GONE = (FileNotFoundError, ProcessLookupError, PermissionError, NotADirectoryError)


class ProcessState(Enum):
    """What a process is doing, from the third field of `/proc/PID/stat` (proc(5))."""

    RUNNING = "R"
    SLEEPING = "S"
    WAITING_FOR_DISK = "D"
    STOPPED = "T"
    TRACED = "t"
    ZOMBIE = "Z"
    DEAD = "X"
    IDLE = "I"
    OTHER = "?"


_STATES = {state.value: state for state in ProcessState}
ENDED = frozenset((ProcessState.ZOMBIE, ProcessState.DEAD))


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """What `/proc/PID/stat` says: numbers of the process, its parent, group and session, its state and start."""

    pid: int
    state: ProcessState
    parent: int
    group: int
    session: int
    start_ticks: int

    @property
    def has_ended(self) -> bool:
        """Whether it has ended; a zombie runs nothing, it only waits to be reaped."""
        return self.state in ENDED


def read_bytes(path: str) -> bytes | None:
    """Return what a file of `/proc` holds, None when its process is gone or closed to this user."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except GONE:
        return None
    try:
        chunks: list[bytes] = []
        while chunk := os.read(file, 65536):
            chunks.append(chunk)
        return b"".join(chunks)
    except GONE:
        return None
    finally:
        os.close(file)


def parse_stat(text: bytes) -> ProcessFacts | None:
    """Return the facts in a line of `/proc/PID/stat`; None when it is cut short."""
    # The name stands in parentheses and may hold anything, parentheses and blanks included.
    opening, closing = text.find(b"("), text.rfind(b")")
    fields = text[closing + 2 :].split()
    if opening < 0 or closing < 0 or len(fields) < 20:
        return None
    state = _STATES.get(fields[0].decode("ascii", "replace"), ProcessState.OTHER)
    return ProcessFacts(int(text[:opening]), state, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def read_facts(pid: int) -> ProcessFacts | None:
    """Return the facts of a process, zombies included; None when there is none of that number."""
    text = read_bytes(f"{PROC}/{pid}/stat")
    return None if text is None else parse_stat(text)


def all_pids() -> tuple[int, ...]:
    """Return the numbers of all processes that this user can see."""
    try:
        return tuple(int(name) for name in os.listdir(PROC) if name.isdecimal())
    except FileNotFoundError:
        return ()


def all_facts() -> tuple[ProcessFacts, ...]:
    """Return the facts of all processes that this user can see."""
    return tuple(facts for pid in all_pids() if (facts := read_facts(pid)) is not None)


def children_of(pid: int) -> tuple[int, ...]:
    """Return the pids of a process's own children, from the kernel's list or, without one, from all processes."""
    found: list[int] = []
    try:
        threads = os.listdir(f"{PROC}/{pid}/task")
    except GONE:
        return ()
    for thread in threads:
        text = read_bytes(f"{PROC}/{pid}/task/{thread}/children")
        if text is None:
            if os.path.exists(f"{PROC}/self/task/{os.getpid()}/children"):
                continue
            return tuple(facts.pid for facts in all_facts() if facts.parent == pid)
        found.extend(int(word) for word in text.split())
    return tuple(found)


def owner_of(pid: int) -> int | None:
    """Return the user id that a process belongs to, None when it is gone."""
    try:
        return os.stat(f"{PROC}/{pid}").st_uid
    except GONE:
        return None


def shows_processes() -> bool:
    """Whether the system tells of its processes in `/proc`, which all that deploys stands on."""
    return read_facts(os.getpid()) is not None
