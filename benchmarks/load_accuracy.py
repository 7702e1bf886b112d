"""Whether the load engine tells the truth: known delays, a stall, a known knee.

    python -m benchmarks.load_accuracy

Prints what was measured beside what is true, and exits with 1 when an error is over its limit. On a machine that does
other work the servers are late themselves; `delayed` therefore says what delays really passed, and the limits mean
anything only when the machine is quiet: the share of time that the client waited for a core is printed. With two
processors or more the server has one to itself, and the client another.
"""

from __future__ import annotations

import sys
import tempfile
import time
from array import array
from pathlib import Path

from benchmarks.load_servers import pinned, running
from sophia_cli.bench.capacity_run import CapacityRun
from sophia_cli.bench.connecting.target import RequestSpec, Trust, parse_target, request_of
from sophia_cli.bench.engine.counted import Load
from sophia_cli.bench.engine.load import LoadSpec, run_load
from sophia_cli.core.measurement_slo import Objective, Percentile


def spec(url: str, connections: int, rate: float | None, duration_s: float) -> LoadSpec:
    """Return a load on a URL of this machine."""
    target = parse_target(url, allow_remote=False)[0]
    return LoadSpec(
        target,
        request_of(target, RequestSpec()),
        Trust.PLAIN,
        connections,
        rate,
        duration_s,
        None,
        1.0,
        10.0,
        1,
        most_processes=1,
    )


def load(url: str, connections: int, rate: float | None, duration_s: float) -> Load:
    """Make a load and return what was measured."""
    return run_load(spec(url, connections, rate, duration_s), time.monotonic_ns, lambda seconds: None)


def known_delays(rate: float | None, processor: int | None) -> bool:
    """Compare p50 and p99 with the delays that the server says have passed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "delays"
        with running("delayed", file, processor) as url:
            found = load(url, 20, rate, 10.0)
        passed = array("q")
        passed.frombytes(file.read_bytes())
    true = sorted(passed)
    fine = True
    for share, limit_ms in ((0.5, 0.2), (0.99, 0.3)):
        truth = true[int(share * len(true))] / 1e6
        measured = found.latencies.percentile(share)
        fine &= abs(measured - truth) <= limit_ms
        print(f"  p{share * 100:g}: measured {measured:.3f} ms, true {truth:.3f} ms, error {measured - truth:+.3f} ms")
    print(f"  the client waited for a core {found.waited:.1%} of the time")
    return fine


def stall(processor: int | None) -> bool:
    """Compare p99 with the analytic one: of 20,000 requests the 2,000 of the stalled second wait from 1 s down."""
    with running("stalling", processor=processor) as url:
        found = load(url, 20, 2000.0, 10.0)
    p99 = found.latencies.percentile(0.99)
    lag = found.lags.percentile(0.99) if found.lags.total else 0.0
    print(f"  p99: measured {p99:.1f} ms, analytic 900 ms; pacing lag p99 {lag:.3f} ms, waited {found.waited:.1%}")
    return abs(p99 - 900) <= 27


def knee(processor: int | None) -> bool:
    """Compare the capacity with the knee of a server with one worker that needs 1 ms a request."""
    with running("knee", processor=processor) as url:
        started = time.monotonic()
        run = CapacityRun(
            spec(url, 64, None, 1.0), (Objective(Percentile.P99, 25.0),), 12.5, lambda name, seconds: None
        )
        capacity = run.find().capacity
        took = time.monotonic() - started
    print(f"  capacity: measured {capacity.rate} requests/s, true 1000; {len(capacity.trials)} trials in {took:.1f} s")
    return capacity.rate is not None and abs(capacity.rate - 1000) <= 100 and took <= 20


def main() -> int:
    """Run all and return 1 when one is over its limit."""
    results: list[bool] = []
    with pinned() as processor:
        print("known delays, closed loop (limits 0.2 and 0.3 ms)")
        results.append(known_delays(None, processor))
        print("known delays, open loop at 1,000 requests/s")
        results.append(known_delays(1000.0, processor))
        print("one second of stall at 2,000 requests/s for 10 s (limit 3 %)")
        results.append(stall(processor))
        print("capacity with p99=25ms (limits 10 %, 20 s)")
        results.append(knee(processor))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
