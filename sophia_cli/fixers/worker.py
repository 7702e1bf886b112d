"""Worker processes: the same work on many items, on several cores, that no single item can bring down."""

from __future__ import annotations

import gc
import os
import pickle
import selectors
import signal
import socket
import struct
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Generic, TypeVar

from sophia_cli.core.values import dataclass

_LENGTH = struct.Struct("!Q")
# The limit is processor time, so that a busy machine changes no result; by the clock it may take so many times as long.
_BUSY = 20
_TOO_SLOW = (signal.SIGPROF, signal.SIGALRM)
Result = TypeVar("Result")


class Ending(Enum):
    """How the work on one item ended."""

    DONE = "done"
    FAILED = "failed"
    DIED = "died"
    TOO_SLOW = "too-slow"


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Result]):
    """One item's outcome: the result when it is DONE, else the reason in words."""

    index: int
    ending: Ending
    result: Result | None
    reason: str = ""


@dataclass(slots=True)
class _Worker:
    """A child process and the items it was given and has not answered for, in order."""

    pid: int
    channel: socket.socket
    pending: deque[int]
    buffer: bytearray


def work_here(work: Callable[[int], Result], count: int) -> Iterator[Outcome[Result]]:
    """Do the work for items 0 to `count` in this process, one after the other."""
    for index in range(count):
        yield _attempt(work, index)


def work_in_children(
    work: Callable[[int], Result], chunks: Sequence[Sequence[int]], jobs: int, limit_s: float
) -> Iterator[Outcome[Result]]:
    """Do the work for the items of all chunks in up to `jobs` child processes; yield outcomes as they come.

    Children are forked, so `work` may close over anything; its result is pickled. An item on which a child dies is
    tried once more in a child of its own; dying again, or taking more than `limit_s` seconds of processor time, is its
    outcome and costs no other item anything. Children ignore the interrupt from the keyboard and end when this
    generator does.
    """
    queue: deque[Sequence[int]] = deque(chunk for chunk in chunks if chunk)
    alone: set[int] = set()
    workers: dict[int, _Worker] = {}
    selector = selectors.DefaultSelector()

    def start() -> None:
        worker = _fork(work, limit_s, [other.channel for other in workers.values()])
        workers[worker.pid] = worker
        selector.register(worker.channel, selectors.EVENT_READ, worker)

    def stop(worker: _Worker) -> int:
        selector.unregister(worker.channel)
        worker.channel.close()
        del workers[worker.pid]
        return os.waitpid(worker.pid, 0)[1]

    def give(worker: _Worker) -> None:
        chunk = queue.popleft()
        worker.pending.extend(chunk)
        _send(worker.channel, list(chunk))

    try:
        while queue or workers:
            while queue and len(workers) < jobs:
                start()
                give(list(workers.values())[-1])
            for key, _ in selector.select():
                worker: _Worker = key.data
                received = _receive_available(worker)
                outcome: Outcome[Result]
                for outcome in _messages(worker):
                    worker.pending.remove(outcome.index)
                    yield outcome
                if received and worker.pending:
                    continue
                if received and queue:
                    give(worker)
                    continue
                status = stop(worker)
                if not worker.pending:
                    continue
                suspect = worker.pending.popleft()
                if worker.pending:
                    queue.appendleft(tuple(worker.pending))
                too_slow = os.WIFSIGNALED(status) and os.WTERMSIG(status) in _TOO_SLOW
                if too_slow or suspect in alone:
                    ending = Ending.TOO_SLOW if too_slow else Ending.DIED
                    yield Outcome(suspect, ending, None, _words(status, limit_s))
                else:
                    alone.add(suspect)
                    queue.appendleft((suspect,))
    finally:
        for worker in list(workers.values()):
            os.kill(worker.pid, signal.SIGKILL)
            stop(worker)
        selector.close()


def _fork(work: Callable[[int], Result], limit_s: float, others: Sequence[socket.socket]) -> _Worker:
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        return _Worker(pid, ours, deque(), bytearray())
    # The child leaves by _exit whatever happens: it must never unwind into the caller's frames, flush the parent's
    # buffers or run its exit handlers.
    try:
        ours.close()
        for other in others:
            other.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for number in _TOO_SLOW:
            signal.signal(number, signal.SIG_DFL)
        # What was there before the fork stays: going through it for cycles would only copy its pages.
        gc.freeze()
        _serve(work, theirs, limit_s)
    finally:
        os._exit(0)


def _serve(work: Callable[[int], Result], channel: socket.socket, limit_s: float) -> None:
    with channel:
        while (chunk := _receive(channel)) is not None:
            for index in chunk:
                signal.setitimer(signal.ITIMER_PROF, limit_s)
                signal.setitimer(signal.ITIMER_REAL, _BUSY * limit_s)
                outcome = _attempt(work, index)
                signal.setitimer(signal.ITIMER_PROF, 0)
                signal.setitimer(signal.ITIMER_REAL, 0)
                _send(channel, outcome)


def _attempt(work: Callable[[int], Result], index: int) -> Outcome[Result]:
    try:
        return Outcome(index, Ending.DONE, work(index))
    except Exception as error:  # noqa: BLE001 - the runner around one file: what it catches becomes that file's finding
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
        return Outcome(index, Ending.FAILED, None, f"{type(error).__name__} at {place}: {error}")


def _words(status: int, limit_s: float) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number in _TOO_SLOW:
            return f"it takes longer than {limit_s:g} s"
        return f"the process that reads it is killed by signal {number} ({signal.strsignal(number)})"
    return f"the process that reads it ends with status {os.waitstatus_to_exitcode(status)}"


def _send(channel: socket.socket, message: object) -> None:
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    try:
        channel.sendall(_LENGTH.pack(len(content)) + content)
    except (BrokenPipeError, ConnectionResetError):
        # The other side is gone: a child then ends at its next read, the parent sees the end of the channel.
        return


def _receive(channel: socket.socket) -> list[int] | None:
    header = _receive_exactly(channel, _LENGTH.size)
    if header is None:
        return None
    content = _receive_exactly(channel, _LENGTH.unpack(header)[0])
    if content is None:
        return None
    chunk: list[int] = pickle.loads(content)
    return chunk


def _receive_exactly(channel: socket.socket, size: int) -> bytes | None:
    content = bytearray()
    while len(content) < size:
        part = channel.recv(size - len(content))
        if not part:
            return None
        content += part
    return bytes(content)


def _receive_available(worker: _Worker) -> bool:
    """Take in what the child sent; return False at the end of its channel."""
    try:
        part = worker.channel.recv(1 << 20)
    except ConnectionResetError:
        return False
    worker.buffer += part
    return bool(part)


def _messages(worker: _Worker) -> Iterator[Outcome[Result]]:
    while len(worker.buffer) >= _LENGTH.size:
        size = _LENGTH.unpack_from(worker.buffer)[0]
        end = _LENGTH.size + size
        if len(worker.buffer) < end:
            return
        outcome: Outcome[Result] = pickle.loads(worker.buffer[_LENGTH.size : end])
        del worker.buffer[:end]
        yield outcome
