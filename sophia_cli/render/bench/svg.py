"""Charts of a measurement as inline SVG: bars of latency, the percentile curve, the course over time.

Colours are classes that the page's style sheet sets, so the charts follow light and dark. No script.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from sophia_cli.core.measurement import LatencyBucket, Measurement, Second
from sophia_cli.core.values import dataclass

_WIDTH, _HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 12, 36
_BARS = 40
# Shares that the percentile curve marks; each step to the right is a tenth of what is left.
_MARKS = ((0.5, "p50"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9"), (0.9999, "p99.99"))


@dataclass(frozen=True, slots=True)
class _Axis:
    """Maps values to pixels, on a linear or logarithmic scale."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        scale: Callable[[float], float] = math.log if self.is_log else float
        low, high = scale(self.low), scale(self.high)
        share = (scale(value) - low) / (high - low) if high > low else 0.5
        return round(self.start + share * (self.end - self.start), 1)


def histogram_svg(measured: Measurement) -> str:
    """Return bars over ranges of equal ratio; empty when nothing was answered."""
    buckets = measured.buckets
    if not buckets:
        return ""
    low, high = _range(buckets)
    counts = [0] * _BARS
    ratio = math.log(high / low) / _BARS
    for bucket in buckets:
        middle = max(low, (bucket.low_ms + bucket.high_ms) / 2)
        counts[min(_BARS - 1, int(math.log(middle / low) / ratio))] += bucket.count
    most = max(counts)
    x, y = _x(low, high, is_log=True), _y(0, most)
    width = (x.end - x.start) / _BARS
    bars = [
        f'<rect class="bar" x="{x.start + place * width + 0.5:.1f}" y="{y.at(count)}" width="{width - 1:.1f}" '
        f'height="{y.start - y.at(count):.1f}"><title>{_ms(low * math.exp(place * ratio))} to '
        f"{_ms(low * math.exp((place + 1) * ratio))} ms: {count} answers</title></rect>"
        for place, count in enumerate(counts)
        if count
    ]
    return _chart("answers by latency", [*_grid(x, _log_ticks(low, high), y, _ticks(most)), *bars], "ms")


def percentile_svg(measured: Measurement) -> str:
    """Return latency over the share of answers that are no slower; empty when nothing was answered."""
    buckets = measured.buckets
    if not buckets:
        return ""
    total = sum(bucket.count for bucket in buckets)
    low, high = _range(buckets)
    farthest = 1 - 1 / (total + 1)
    x = _Axis(0, -math.log10(1 - farthest), _LEFT, _WIDTH - _RIGHT)
    y = _Axis(low, high, _HEIGHT - _BOTTOM, _TOP, is_log=True)
    points: list[str] = []
    seen = 0
    for bucket in buckets:
        middle = max(low, (bucket.low_ms + bucket.high_ms) / 2)
        points.append(f"{x.at(-math.log10(1 - seen / (total + 1)))},{y.at(middle)}")
        seen += bucket.count
        points.append(f"{x.at(-math.log10(1 - seen / (total + 1)))},{y.at(middle)}")
    line = f'<polyline class="line" points="{" ".join(points)}"/>'
    marks = [(-math.log10(1 - share), name) for share, name in _MARKS if share < farthest]
    return _chart("latency by percentile", [*_grid(x, marks, y, _log_ticks(low, high)), line], "", "ms")


def course_svg(measured: Measurement) -> str:
    """Return p50, p95 and p99 of every window over time; empty with fewer than two windows."""
    seconds = [second for second in measured.seconds if second.p50 is not None]
    if len(seconds) < 2:
        return ""
    most = max(second.p99 or 0.0 for second in seconds)
    x = _x(0, seconds[-1].start_s + seconds[-1].length_s)
    y = _y(0, most)
    lines = [
        _course("p50", [(second, second.p50 or 0.0) for second in seconds], x, y),
        _course("p95", [(second, second.p95 or 0.0) for second in seconds], x, y),
        _course("p99", [(second, second.p99 or 0.0) for second in seconds], x, y),
    ]
    return _chart("latency over time", [*_grid(x, _ticks(x.high), y, _ticks(most)), *lines], "s", "ms")


def _course(name: str, values: Sequence[tuple[Second, float]], x: _Axis, y: _Axis) -> str:
    points = " ".join(f"{x.at(second.start_s + second.length_s / 2)},{y.at(value)}" for second, value in values)
    last_x, last_y = x.at(values[-1][0].start_s + values[-1][0].length_s / 2), y.at(values[-1][1])
    label = f'<text class="label {name}" x="{last_x - 4}" y="{max(10.0, last_y - 5)}" text-anchor="end">{name}</text>'
    return f'<polyline class="line {name}" points="{points}"/>{label}'


def _chart(title: str, parts: Sequence[str], x_unit: str, y_unit: str = "") -> str:
    head = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
    units = f'<text class="tick" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end">{x_unit}</text>'
    units += f'<text class="tick" x="4" y="{_TOP + 4}">{y_unit}</text>'
    return f"<figure><figcaption>{escape(title)}</figcaption>{head}{''.join(parts)}{units}</svg></figure>"


def _grid(x: _Axis, x_ticks: Sequence[tuple[float, str]], y: _Axis, y_ticks: Sequence[tuple[float, str]]) -> list[str]:
    lines = [
        f'<line class="grid" x1="{x.start}" x2="{x.end}" y1="{y.at(value)}" y2="{y.at(value)}"/>'
        f'<text class="tick" x="{x.start - 6}" y="{y.at(value) + 4}" text-anchor="end">{name}</text>'
        for value, name in y_ticks
    ]
    lines += [
        f'<line class="grid" x1="{x.at(value)}" x2="{x.at(value)}" y1="{y.start}" y2="{y.end}"/>'
        f'<text class="tick" x="{x.at(value)}" y="{y.start + 16}" text-anchor="middle">{name}</text>'
        for value, name in x_ticks
    ]
    return lines


def _range(buckets: Sequence[LatencyBucket]) -> tuple[float, float]:
    low = max(buckets[0].low_ms, 1e-3)
    return low, max(buckets[-1].high_ms, low * 1.1)


def _x(low: float, high: float, *, is_log: bool = False) -> _Axis:
    return _Axis(low, high, _LEFT, _WIDTH - _RIGHT, is_log)


def _y(low: float, high: float) -> _Axis:
    return _Axis(low, high, _HEIGHT - _BOTTOM, _TOP)


def _ticks(most: float) -> list[tuple[float, str]]:
    """Return about four round values from 0 up to the most."""
    if most <= 0:
        return []
    step = 10 ** math.floor(math.log10(most))
    step = next(step * factor for factor in (0.25, 0.5, 1, 2) if most / (step * factor) <= 5)
    return [(place * step, f"{place * step:g}") for place in range(int(most / step) + 1)]


def _log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return the values 1, 2 and 5 of every power of ten in the range, thinned where they would crowd."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if len(exponents) <= 4 else (1,)
    values = [factor * 10.0**exponent for exponent in exponents for factor in factors]
    return [(value, f"{value:g}") for value in values if low <= value <= high]


def _ms(value: float) -> str:
    return f"{value:.3g}"
