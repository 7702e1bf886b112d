"""Percentiles of a histogram are those of the values, to the error that it promises; workers' counts add up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.engine.window import Stage, Tally, Usage, window_line, window_of
from sophia_cli.bench.judging.histogram import (
    LARGEST_NS,
    SLOTS,
    Histogram,
    PackedCounts,
    edges_of,
    empty_counts,
    pack,
    slot_of,
)

values = st.integers(0, LARGEST_NS)
SHARES = (0.5, 0.9, 0.95, 0.99, 0.999, 1.0)


@given(values)
def test_a_value_lies_in_its_bucket_and_buckets_are_narrow(value: int) -> None:
    slot = slot_of(value)
    low, width = edges_of(slot)
    assert 0 <= slot < SLOTS
    assert low <= value < low + width
    assert width == 1 or width * 512 <= low


def test_buckets_follow_one_another_without_gap() -> None:
    for slot in range(SLOTS - 1):
        low, width = edges_of(slot)
        assert edges_of(slot + 1)[0] == low + width


@given(st.lists(values, min_size=1, max_size=200))
def test_percentiles_are_order_statistics_within_a_thousandth(found: list[int]) -> None:
    histogram = Histogram()
    for value in found:
        histogram.add(value)
    ordered = sorted(found)
    for share in SHARES:
        exact = ordered[max(1, math.ceil(round(share * len(found), 9))) - 1] / 1e6
        assert histogram.percentile(share) == pytest.approx(exact, rel=1 / 1024, abs=1e-9)
    assert histogram.mean() == pytest.approx(sum(found) / len(found) / 1e6, rel=1 / 1024, abs=1e-9)


@given(st.lists(values, max_size=50), st.lists(values, max_size=50))
def test_packed_counts_of_two_workers_merge_to_what_one_would_count(first: list[int], second: list[int]) -> None:
    merged, whole = Histogram(), Histogram()
    for part in (first, second):
        counts = empty_counts()
        for value in part:
            counts[slot_of(value)] += 1
            whole.add(value)
        merged.add_packed(pack(counts))
    assert list(merged.buckets()) == list(whole.buckets())
    assert merged.total == whole.total == len(first) + len(second)


def test_counters_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Histogram().add_packed(PackedCounts(SLOTS, b"\1\0\0\0"))


@given(st.lists(values, max_size=30), st.dictionaries(st.sampled_from(Failure), st.integers(1, 9)))
def test_a_window_survives_its_way_through_the_pipe(found: list[int], failures: dict[Failure, int]) -> None:
    tally = Tally(5)
    for value in found:
        tally.latencies[slot_of(value)] += 1
    tally.failures.update(failures)
    tally.statuses[503] += 2
    window = tally.take(Stage.MEASURED, 9, Usage(3, 4, 5))
    assert window_of(window_line(window)) == window
    empty = tally.take(Stage.MEASURED, 10, Usage(3, 4, 5))
    assert (empty.latencies.words, empty.failures, empty.statuses, empty.start_ns) == (b"", (), (), 9)
