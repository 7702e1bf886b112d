"""The scale of latency grades: three percentiles against one target, each letter twice the one before."""

from __future__ import annotations

from sophia_cli.core.grades import Letter, Scale

DEFAULT_TARGET_MS = 12.5

_DOUBLING = (
    (Letter.A_PLUS, 1.0),
    (Letter.A, 2.0),
    (Letter.B, 4.0),
    (Letter.C, 8.0),
    (Letter.D, 16.0),
    (Letter.E, 32.0),
)


def latency_scale(target_ms: float) -> Scale:
    """Return the scale for a target: A+ is p50 <= T/2, p95 <= T and p99 <= 2T, and the worst of the three counts."""
    unit = f"the worst of p50/{target_ms / 2:g} ms, p95/{target_ms:g} ms and p99/{target_ms * 2:g} ms"
    return Scale(unit, _DOUBLING)


def multiples(target_ms: float, p50: float, p95: float, p99: float) -> tuple[tuple[str, float], ...]:
    """Return by how much each percentile exceeds what A+ asks of it; 1 is just A+."""
    return (("p50", p50 / (target_ms / 2)), ("p95", p95 / target_ms), ("p99", p99 / (target_ms * 2)))
