"""What the engine measures in a world with exact delays, and what it makes of a service that misbehaves."""

from __future__ import annotations

import pytest
from virtual import MS, OK, Piece, S, World, always, simulate

from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.engine.window import Stage

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


def some_slow(now: int, number: int) -> list[Piece]:
    """Answer after 5 ms, every fiftieth time after 50 ms."""
    return [Piece(50 * MS if number % 50 == 0 else 5 * MS, OK)]


def stalling(world_start: int, at_ns: int, for_ns: int, work_ns: int) -> object:
    """Return a service that answers after `work_ns`, but nothing during one stall."""
    begin, end = world_start + at_ns, world_start + at_ns + for_ns

    def service(now: int, number: int) -> list[Piece]:
        begun = end if begin <= now < end else now
        return [Piece(begun + work_ns - now, OK)]

    return service


@pytest.mark.parametrize("rate", [None, 1000.0])
def test_true_delays_are_measured_to_the_precision_of_the_buckets(rate: float | None) -> None:
    found = simulate(some_slow, rate=rate, connections=40)
    assert found.ms(0.5) == pytest.approx(5, rel=0.001)
    assert found.ms(0.97) == pytest.approx(5, rel=0.001)
    assert found.ms(0.99) == pytest.approx(50, rel=0.001)
    assert found.failures == {}


def test_a_closed_loop_sends_as_fast_as_the_answers_come() -> None:
    found = simulate(always(10 * MS), connections=20, duration_ns=2 * S)
    assert found.latencies.total == pytest.approx(20 * 200, abs=20)


def test_an_open_loop_sends_exactly_what_is_due() -> None:
    found = simulate(always(3 * MS), rate=777.0, duration_ns=10 * S)
    assert found.latencies.total == 7770
    assert found.ms(1.0) == pytest.approx(3, rel=0.001)


def test_a_stall_is_in_the_figures_of_an_open_loop_and_hidden_from_a_closed_one() -> None:
    """One second without answers at 2,000 requests a second for ten seconds: the analytic p99 is 900 ms.

    The 2,000 requests due in the stall wait from 1 s down to nothing; one of a hundred of all 20,000 requests is the
    200th longest wait, which is 1 s less 200 / 2,000 s.
    """
    start = 1_000 * S
    service = stalling(start, at_ns=5 * S, for_ns=S, work_ns=20_000)
    paced = simulate(World(service), rate=2000.0, connections=2000)  # type: ignore[arg-type]  # a Service
    assert paced.latencies.total == 20_000
    assert paced.ms(0.99) == pytest.approx(900, rel=0.002)
    assert paced.ms(0.5) < 0.1
    slower = stalling(start, at_ns=5 * S, for_ns=S, work_ns=2 * MS)
    blind = simulate(World(slower), connections=4)  # type: ignore[arg-type]  # a Service
    assert blind.ms(0.99) < 2.1


def test_a_stall_with_few_connections_is_still_in_the_figures() -> None:
    service = stalling(1_000 * S, at_ns=5 * S, for_ns=S, work_ns=20_000)
    paced = simulate(World(service), rate=2000.0, connections=20)  # type: ignore[arg-type]  # a Service
    assert paced.latencies.total == 20_000
    assert paced.ms(0.99) == pytest.approx(900, rel=0.03)


def test_requests_of_the_warm_up_are_in_no_figure() -> None:
    def service(now: int, number: int) -> list[Piece]:
        return [Piece(100 * MS if now < 1_001 * S else 5 * MS, OK)]

    found = simulate(service, duration_ns=S)
    assert found.ms(1.0) == pytest.approx(5, rel=0.001)
    assert any(window.stage is Stage.WARM_UP and window.latencies.words for window in found.windows)


def test_answers_that_are_under_way_at_the_end_are_waited_for() -> None:
    found = simulate(always(700 * MS), connections=3, duration_ns=S)
    assert found.latencies.total in (3, 3 * 2)
    assert found.ms(1.0) == pytest.approx(700, rel=0.001)
    assert found.failures == {}


def test_the_windows_are_a_second_long_and_add_up() -> None:
    found = simulate(always(10 * MS), duration_ns=3 * S)
    measured = [window for window in found.windows if window.stage is Stage.MEASURED]
    assert [round((window.end_ns - window.start_ns) / S, 3) for window in measured] == [1, 1, 1]


@pytest.mark.parametrize("rate", [None, 500.0])
def test_a_budget_of_requests_is_kept(rate: float | None) -> None:
    found = simulate(always(2 * MS), rate=rate, most_requests=123)
    assert found.latencies.total == 123


@pytest.mark.parametrize("rate", [None, 100.0])
def test_silence_is_a_timeout(rate: float | None) -> None:
    found = simulate(lambda now, number: [], rate=rate, connections=2, duration_ns=2 * S, timeout_ns=S // 2)
    assert found.latencies.total == 0
    assert set(found.failures) <= {Failure.TIMEOUT, Failure.UNSENT}
    assert found.failures[Failure.TIMEOUT] >= 4


def test_what_is_due_and_never_sent_is_an_error() -> None:
    found = simulate(lambda now, number: [], rate=100.0, connections=2, duration_ns=2 * S, timeout_ns=S // 2)
    assert sum(found.failures.values()) == 200


def test_an_open_loop_that_cannot_keep_up_ends_and_counts_what_it_never_sent() -> None:
    found = simulate(always(10 * MS), rate=10_000.0, connections=2, duration_ns=2 * S, timeout_ns=S)
    assert found.latencies.total + found.failures[Failure.UNSENT] == 20_000
    assert found.latencies.total == pytest.approx(2 * 300, rel=0.05)
    assert found.ms(0.99) > 2000


@pytest.mark.parametrize("rate", [None, 100.0])
def test_refused_connections_are_errors_and_no_storm(rate: float | None) -> None:
    world = World(always(MS), refused=True)
    found = simulate(world, rate=rate, connections=5, duration_ns=2 * S)
    assert set(found.failures) == {Failure.REFUSED}
    assert world.opened < 500
    assert rate is None or found.failures[Failure.REFUSED] == 200


@pytest.mark.parametrize("rate", [None, 100.0])
@pytest.mark.parametrize(
    ("pieces", "failure"),
    [
        ([Piece(MS, NOT_FOUND)], Failure.STATUS),
        ([Piece(MS, b"hello\r\n\r\n")], Failure.MALFORMED),
        ([Piece(MS, OK[:-1]), Piece(2 * MS, b"")], Failure.RESET),
        ([Piece(MS, b"")], Failure.RESET),
        ([Piece(MS, OK + b"more")], Failure.MALFORMED),
        ([Piece(MS, b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")], Failure.TOO_LARGE),
    ],
)
def test_every_bad_answer_is_counted_by_its_kind(pieces: list[Piece], failure: Failure, rate: float | None) -> None:
    found = simulate(lambda now, number: pieces, rate=rate, connections=2, duration_ns=S)
    assert set(found.failures) == {failure}
    assert found.latencies.total == 0
    assert rate is None or sum(found.failures.values()) == 100


@pytest.mark.parametrize("rate", [None, 100.0])
def test_a_server_that_closes_after_each_answer_is_connected_to_again(rate: float | None) -> None:
    found = simulate(
        lambda now, number: [Piece(5 * MS, CLOSING), Piece(5 * MS, b"")], rate=rate, connections=2, duration_ns=S
    )
    assert found.failures == {}
    assert found.latencies.total == (pytest.approx(400, abs=4) if rate is None else 100)
    assert found.world.opened >= found.latencies.total


@pytest.mark.parametrize("rate", [None, 200.0])
def test_an_answer_in_pieces_ends_with_its_last_one(rate: float | None) -> None:
    pieces = [Piece((place + 1) * MS, OK[place : place + 1]) for place in range(len(OK))]
    found = simulate(lambda now, number: pieces, rate=rate, duration_ns=S)
    assert found.ms(0.5) == pytest.approx(len(OK), rel=0.001)


def test_connections_that_end_while_they_are_free_are_opened_again_without_an_error() -> None:
    """The server gives up on a connection 30 ms after its answer; each carries a request every 200 ms."""
    ending = [Piece(MS, OK), Piece(30 * MS, b"")]
    found = simulate(lambda now, number: ending, rate=100.0, connections=20, duration_ns=5 * S)
    assert found.failures == {}
    assert found.latencies.total == 500
    assert found.ms(1.0) < 60
    assert found.world.opened > 100


def test_no_connection_is_left_open() -> None:
    for service in (always(MS), always(MS, CLOSING), always(MS, b"junk")):
        world = World(service)
        simulate(world, duration_ns=S // 10, connections=7)
        assert world.opened == world.closed > 0


def test_pacing_that_lags_shows_although_connections_were_free() -> None:
    punctual = simulate(always(MS), rate=100.0, duration_ns=S)
    assert punctual.lags.total == 100
    assert punctual.lags.percentile(1.0) < 0.01
