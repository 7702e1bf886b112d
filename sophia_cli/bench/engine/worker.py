"""The process that makes the load: reads its spec on standard input, writes a line for every window, and ends.

It is a process of its own so that nothing else (reports, progress, the collector) runs between two requests. When its
standard input ends, it stops; so it never outlives the process that started it.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from pathlib import Path

from sophia_cli.bench.connecting.dialing import connections_to
from sophia_cli.bench.engine.loop import LoadLoop
from sophia_cli.bench.engine.poller import best_poller
from sophia_cli.bench.engine.run_state import LoopPlan, Measure
from sophia_cli.bench.engine.usage import UsageMeter
from sophia_cli.bench.engine.window import Usage, Window, window_line
from sophia_cli.bench.engine.worker_spec import WorkerSpec, measure_of, spec_of

_NS = 1_000_000_000
_SLACK = Path("/proc/self/timerslack_ns")
_SPARE_DESCRIPTORS = 64


class PipeControl:
    """Commands from standard input, windows to standard output."""

    __slots__ = ("_meter", "_output", "_pending", "fd")

    def __init__(self, fd: int, output: int) -> None:
        self.fd = fd
        self._output = output
        self._pending = bytearray()
        self._meter = UsageMeter()

    def close(self) -> None:
        """Close what was opened here."""
        self._meter.close()

    def line(self) -> bytes | None:
        """Return the next line, waiting for it; None at the end of the input."""
        while (end := self._pending.find(b"\n")) < 0:
            data = os.read(self.fd, 65_536)
            if not data:
                return None
            self._pending += data
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        return line

    def receive(self) -> Measure | None:
        """Return the command to measure; None when the input has ended."""
        line = self.line()
        return None if line is None else measure_of(line)

    def window(self, window: Window) -> None:
        """Write a window as a line; BrokenPipeError when nobody reads any more."""
        data = memoryview(window_line(window))
        while data:
            data = data[os.write(self._output, data) :]

    def used(self) -> Usage:
        """Return what this process has used so far."""
        return self._meter.used()


def run(spec: WorkerSpec, control: PipeControl) -> None:
    """Make the load that a spec describes."""
    plan = LoopPlan(int(spec.timeout_s * _NS), spec.pace, spec.most_requests)
    connections = connections_to(spec.address, spec.host, spec.trust, spec.request, spec.connections, spec.first_number)
    poller = best_poller(spec.connections + 1)
    try:
        LoadLoop(plan, connections, poller, control, time.monotonic_ns).run()
    finally:
        poller.close()
        control.close()


def main() -> int:
    """Do what standard input says; the exit code is 0 also when the reader of the windows has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; who started this one ends it
    control = PipeControl(sys.stdin.fileno(), sys.stdout.fileno())
    line = control.line()
    if line is None:
        return 0
    spec = spec_of(line)
    _raise_descriptor_limit(spec.connections + _SPARE_DESCRIPTORS)
    _wake_on_time()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        run(spec, control)
    except BrokenPipeError:
        return 0
    return 0


def _raise_descriptor_limit(wanted: int) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        highest = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))


def _wake_on_time() -> None:
    """Ask the kernel not to bundle this process's timers with others; without it a wait ends 50 microseconds late."""
    try:
        _SLACK.write_text("1")
    except OSError:
        return  # an older kernel or another system: pacing lag is measured either way


if __name__ == "__main__":
    sys.exit(main())
