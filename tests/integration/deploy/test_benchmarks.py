"""The benchmarks of deployments run, in their short form; times are not looked at, what must not fail is."""

from __future__ import annotations

import shutil

import pytest

from benchmarks import deploy_agent_kill, deploy_broken, deploy_five, deploy_idle, deploy_recovery, deploy_swaps
from benchmarks import deploy_throughput as throughput
from benchmarks.deploy_harness import Framework, Row, finish

PLAIN = Framework.PLAIN


@pytest.mark.slow
def test_swaps_drop_no_request() -> None:
    calm, ours, by_hand = deploy_swaps.measure(None, 2, 100, 8)
    assert ours.measured.startswith("0 of ")
    assert "0 refused" in ours.measured
    assert (calm.is_met, by_hand.is_met) == (None, None)


@pytest.mark.slow
def test_no_request_reaches_a_broken_release() -> None:
    rows = deploy_broken.measure(1, 4)
    assert len(rows) == 3
    for row in rows:
        assert row.measured.startswith("0 of "), row
        assert "reached it, 0 failed" in row.measured, row


def test_callers_in_an_outage_are_answered() -> None:
    bare, ratio, callers = deploy_recovery.measure(None, 1, PLAIN, 5)
    assert bare.measured.endswith(" ms")
    assert " x (" in ratio.measured
    assert callers.measured == "5 of 5 got 200"


@pytest.mark.slow
def test_the_next_agent_has_the_same_processes() -> None:
    adopted, callers = deploy_agent_kill.measure(1, 5)
    assert adopted.measured.startswith("same pids 1 of 1 times")
    assert "0 of " in adopted.measured
    assert callers.is_met


@pytest.mark.slow
def test_five_services_are_deployed_and_replaced() -> None:
    rows = deploy_five.measure(None, 1, PLAIN)
    assert [" x (" in row.measured for row in rows] == [False, True, True, True, False]
    assert "attach" in rows[-1].measured


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_throughput_is_measured_for_both_ways_of_starting() -> None:
    rows = throughput.measure(1, 1, 4)
    assert [row.is_met is None for row in rows] == [True, False, False]


@pytest.mark.slow
def test_an_idle_agent_is_measured_with_and_without_probes() -> None:
    rows = deploy_idle.measure(None, 0.5, PLAIN)
    assert len(rows) == 2
    assert all(" MB, " in row.measured for row in rows)


def test_a_limit_that_is_exceeded_fails_the_command() -> None:
    assert finish([Row("one", "", "1", None), Row("two", "<= 1", "1", True)]) == 0
    assert finish([Row("one", "<= 1", "2", False)]) == 1
