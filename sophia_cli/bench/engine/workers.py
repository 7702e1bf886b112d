"""The worker processes of a load: how they are started, told, listened to and ended."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
from collections.abc import Sequence
from typing import IO

from sophia_cli.bench.engine.counted import Counted
from sophia_cli.bench.engine.window import window_of
from sophia_cli.bench.engine.worker_spec import WorkerSpec, spec_line
from sophia_cli.core.values import dataclass, field

_LEAVE_S = 2.0


class WorkerFailed(Exception):
    """A worker ended before its time, which is a mistake in it; the text is what it said."""


class WorkerKilled(Exception):
    """A worker was ended by a signal, or did not end in time."""


@dataclass(slots=True)
class Worker:
    """One worker: its process, what it counted so far, and whether it has said all."""

    process: subprocess.Popen[bytes]
    counted: Counted = field(default_factory=Counted)
    pending: bytearray = field(default_factory=bytearray)
    has_ended: bool = False

    @property
    def output(self) -> IO[bytes]:
        """Where it writes its windows."""
        assert self.process.stdout is not None  # asked for when it was started
        return self.process.stdout

    def tell(self, line: bytes) -> None:
        """Write a line to it; one that is gone shows when it is listened to."""
        assert self.process.stdin is not None  # asked for when it was started
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(line)

    def take_windows(self) -> None:
        """Take in what it has written, once there is something to read."""
        data = os.read(self.output.fileno(), 1 << 20)
        self.has_ended = not data
        self.pending += data
        while (end := self.pending.find(b"\n")) >= 0:
            self.counted.add(window_of(bytes(self.pending[:end])))
            del self.pending[: end + 1]


def start(spec: WorkerSpec) -> Worker:
    """Start a worker and give it its share of the load."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "sophia_cli.bench.engine.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    worker = Worker(process)
    worker.tell(spec_line(spec))
    return worker


def listen(workers: Sequence[Worker], seconds: float) -> bool:
    """Take in what workers write, once there is something; false when the time is over and when all have ended."""
    open_ones = [worker for worker in workers if not worker.has_ended]
    if not open_ones:
        return False
    with selectors.DefaultSelector() as selector:
        for worker in open_ones:
            selector.register(worker.output, selectors.EVENT_READ, worker)
        ready = selector.select(max(0.0, seconds))
    for key, _ in ready:
        key.data.take_windows()
    return bool(ready)


def early_end(workers: Sequence[Worker]) -> Exception:
    """Return why workers ended before their time."""
    for worker in workers:
        if worker.has_ended:
            code = worker.process.wait(_LEAVE_S)
            if code > 0 and worker.process.stderr is not None:
                return WorkerFailed(worker.process.stderr.read().decode("utf-8", "replace"))
            if code < 0:
                return WorkerKilled(f"signal {-code}")
    return WorkerKilled("it did not end in time")


def end(workers: Sequence[Worker]) -> None:
    """End every worker: their input closed they stop by themselves; one that does not is killed."""
    for worker in workers:
        if worker.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                worker.process.stdin.close()
    for worker in workers:
        process = worker.process
        try:
            process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
