"""Whether a measurement tells about the service at all, or about the client and the machine it ran on."""

from __future__ import annotations

from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.engine.counted import Load
from sophia_cli.core.measurement import Refusal, RefusalKind

# Above this share of a core a client that is woken for every answer keeps answers waiting.
BUSY_CORE = 0.85
# A client that had to wait for a core a tenth of the time adds that wait to what it measures; but waking up thousands
# of times a second for a few microseconds each is no noise.
WAITED = 0.10
LONG_WAIT_MS = 0.05
STOLEN = 0.05
THROTTLED = 0.02
# A client that wants that much and is never without work shares its core with somebody and is too slow for it.
MUCH_OF_A_CORE = 0.3
LATE_MS = 1.0
LATE_SHARE = 0.1
# The medians of the windows of one run may differ by that factor from the lower to the upper tenth.
UNSTABLE = 1.5
_FEWEST_WINDOWS = 5


def refusal_of(load: Load, stolen: float, throttled: float = 0.0) -> Refusal | None:
    """Return why a load must not be graded, None when nothing speaks against it.

    `stolen` is the share of the machine's time that its host took away, `throttled` the share of the time that a quota
    kept this process and those it started off the processors.
    """
    bound = _client_bound(load, throttled)
    if bound is not None:
        return Refusal(RefusalKind.CLIENT_BOUND, bound)
    noise = _noise(load, stolen)
    return None if noise is None else Refusal(RefusalKind.NOISY, noise)


def _client_bound(load: Load, throttled: float) -> str | None:
    if throttled > THROTTLED:
        return f"a quota kept this process and its load generator off the processors {throttled:.0%} of the time"
    if load.failures[Failure.CLIENT]:
        return f"this machine ran out of ports or descriptors {load.failures[Failure.CLIENT]} times"
    if load.busiest > BUSY_CORE:
        return f"the load generator used {load.busiest:.0%} of a core (limit {BUSY_CORE:.0%})"
    if load.busiest + load.waited > BUSY_CORE and load.busiest > MUCH_OF_A_CORE:
        return f"the load generator used {load.busiest:.0%} of a core and waited for one {load.waited:.0%} of the time"
    if load.lags.total and load.latencies.total and not is_kept_waiting(load):
        lag, latency = load.lags.percentile(0.95), load.latencies.percentile(0.95)
        if lag > max(LATE_MS, LATE_SHARE * latency):
            return f"5 % of the requests went out over {lag:.1f} ms late although a connection was free"
    return None


def is_kept_waiting(load: Load) -> bool:
    """Whether the client waited for a core so often and so long that its figures show it."""
    return load.waited > WAITED and load.wait_ms > LONG_WAIT_MS


def _noise(load: Load, stolen: float) -> str | None:
    if is_kept_waiting(load):
        return f"the load generator waited for a core {load.waited:.0%} of the time (limit {WAITED:.0%})"
    if stolen > STOLEN:
        return f"the host of this machine took {stolen:.0%} of its time (limit {STOLEN:.0%})"
    medians = sorted(second.latencies.percentile(0.5) for second in load.seconds if second.latencies.total)
    if len(medians) < _FEWEST_WINDOWS:
        return None
    edge = len(medians) // 10
    low, high = medians[edge], medians[-1 - edge]
    return None if high <= UNSTABLE * low else f"p50 moved between {low:.3g} and {high:.3g} ms from second to second"
