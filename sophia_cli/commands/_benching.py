"""From a URL on the command line to a measured and graded row."""

from __future__ import annotations

from sophia_cli.bench.capacity_run import bench_capacity
from sophia_cli.bench.load import WorkerKilled
from sophia_cli.bench.objectives import target_of
from sophia_cli.bench.preflight import first_answer
from sophia_cli.bench.run import BenchPlan, Observe, bench
from sophia_cli.bench.scale import DEFAULT_TARGET_MS
from sophia_cli.bench.target import get_request, parse_target
from sophia_cli.bench.tls import Trust, tls_of
from sophia_cli.commands._bench_options import BenchOptions
from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.measurement_report import BenchRow


def bench_url(url: str, options: BenchOptions, observe: Observe, *, allow_remote: bool, insecure: bool) -> BenchRow:
    """Bench a URL; UsageError or UnavailableError when it cannot be benched (see `parse_target`, `first_answer`)."""
    targets = parse_target(url, allow_remote=allow_remote)
    request = get_request(targets[0])
    trust = Trust.PLAIN
    if targets[0].is_tls:
        trust = Trust.UNVERIFIED if insecure else Trust.VERIFIED
    first = first_answer(targets, request, tls_of(trust, targets[0].host), options.timeout_s)
    plan = BenchPlan(
        name=first.target.host,
        connections=options.connections,
        rate=options.rate,
        duration_s=options.duration_s,
        most_requests=options.most_requests,
        timeout_s=options.timeout_s,
        trust=trust,
        processes=options.processes,
        target_ms=target_of(options.objectives) or DEFAULT_TARGET_MS,
        objectives=options.objectives,
    )
    try:
        if options.is_capacity:
            return bench_capacity(plan, first, request, observe)
        return bench(plan, first, request, observe)
    except WorkerKilled as error:
        raise UnavailableError(
            "load-worker-killed",
            f"a process that makes the load was ended from outside: {error}",
            hint="see whether the machine ran out of memory; fewer `--connections` need less",
        ) from error
