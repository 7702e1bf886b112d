"""Runs that the client or the machine spoiled are refused; the others are not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.engine.counted import Load, Second
from sophia_cli.bench.engine.steady import is_steady
from sophia_cli.bench.judging.histogram import Histogram
from sophia_cli.bench.watch import refusal_of
from sophia_cli.core.measurement import RefusalKind


def latencies(ms: float, count: int = 1000) -> Histogram:
    histogram = Histogram()
    histogram.add(int(ms * 1e6), count)
    return histogram


def seconds(*medians_ms: float) -> tuple[Second, ...]:
    return tuple(Second(float(place), 1.0, latencies(ms), 0) for place, ms in enumerate(medians_ms))


QUIET = Load(
    warm_up_s=1.0,
    was_steady=True,
    measured_s=10.0,
    seconds=seconds(*[5.0] * 10),
    latencies=latencies(5.0, 10_000),
    lags=Histogram(),
    failures=Counter(),
    statuses=Counter(),
    answered=10_000,
    cpu_s=0.5,
    busiest=0.05,
    waited=0.01,
    wait_ms=0.01,
    processes=1,
)


def kind(load: Load, stolen: float = 0.0) -> RefusalKind | None:
    refusal = refusal_of(load, stolen)
    return None if refusal is None else refusal.kind


def test_a_quiet_run_is_graded() -> None:
    assert kind(QUIET) is None


def test_a_client_that_fills_a_core_is_bound() -> None:
    assert kind(replace(QUIET, busiest=0.84)) is None
    assert kind(replace(QUIET, busiest=0.86)) is RefusalKind.CLIENT_BOUND


def test_a_client_that_shares_a_core_and_needs_it_all_is_bound() -> None:
    assert kind(replace(QUIET, busiest=0.5, waited=0.45, wait_ms=1.0)) is RefusalKind.CLIENT_BOUND
    assert kind(replace(QUIET, busiest=0.4, waited=0.5, wait_ms=0.01)) is RefusalKind.CLIENT_BOUND


def test_a_client_under_a_quota_is_bound() -> None:
    assert refusal_of(QUIET, 0.0, 0.01) is None
    refusal = refusal_of(QUIET, 0.0, 0.3)
    assert refusal is not None
    assert refusal.kind is RefusalKind.CLIENT_BOUND


def test_a_client_that_is_kept_waiting_sits_on_a_noisy_machine() -> None:
    assert kind(replace(QUIET, waited=0.2, wait_ms=2.0)) is RefusalKind.NOISY


def test_waking_up_often_for_a_moment_is_no_noise() -> None:
    assert kind(replace(QUIET, busiest=0.4, waited=0.2, wait_ms=0.005)) is None


def test_time_that_the_host_takes_is_noise() -> None:
    assert kind(QUIET, stolen=0.04) is None
    assert kind(QUIET, stolen=0.06) is RefusalKind.NOISY


def test_requests_that_go_out_late_with_connections_free_are_the_clients_fault() -> None:
    assert kind(replace(QUIET, lags=latencies(0.9))) is None
    assert kind(replace(QUIET, lags=latencies(1.1))) is RefusalKind.CLIENT_BOUND
    slow = replace(QUIET, lags=latencies(1.1), latencies=latencies(50.0), seconds=seconds(*[50.0] * 10))
    assert kind(slow) is None


def test_running_out_of_ports_is_the_clients_fault() -> None:
    assert kind(replace(QUIET, failures=Counter({Failure.CLIENT: 1}))) is RefusalKind.CLIENT_BOUND


def test_errors_of_the_service_are_no_reason_to_refuse() -> None:
    assert kind(replace(QUIET, failures=Counter({Failure.TIMEOUT: 5000}))) is None


@pytest.mark.parametrize(
    ("medians", "expected"),
    [
        ([5.0] * 9 + [50.0], None),
        ([5.0, 8.0] * 5, RefusalKind.NOISY),
        ([5.0, 8.0], None),
        ([5.0, 5.5, 6.0, 6.5, 7.0], None),
    ],
)
def test_medians_that_jump_are_noise_but_a_single_odd_second_is_not(
    medians: list[float], expected: RefusalKind | None
) -> None:
    assert kind(replace(QUIET, seconds=seconds(*medians))) is expected


@pytest.mark.parametrize(
    ("medians", "expected"),
    [
        ([9.0, 5.0, 5.1, 5.2], True),
        ([5.0, 5.1], False),
        ([5.0, 5.1, 6.1], False),
        ([5.0, None, 5.0], False),
        ([], False),
    ],
)
def test_a_service_has_warmed_up_when_three_windows_agree(medians: list[float | None], expected: bool) -> None:
    assert is_steady(medians) is expected
