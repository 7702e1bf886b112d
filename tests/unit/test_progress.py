"""Progress is drawn on terminals, after a second, seldom, and taken away again."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from sophia_cli.commands.command_line.progress import ProgressLine


class Hand:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.seconds += seconds


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_short_work_draws_nothing() -> None:
    screen, clock = Screen(), Hand()
    line = ProgressLine(screen, clock, {})
    clock.seconds += 0.9
    line.files(1, 2)
    line.clear()
    assert screen.getvalue() == ""


def test_long_work_is_drawn_seldom_and_taken_away() -> None:
    screen, clock = Screen(), Hand()
    line = ProgressLine(screen, clock, {})
    clock.seconds += 1.0
    for done in range(50):
        clock.seconds += 0.01
        line.files(done, 50)
    drawn = screen.getvalue()
    assert 4 <= drawn.count("scanning") <= 6
    line.clear()
    assert screen.getvalue() == drawn + "\r\x1b[K"


def test_work_that_is_stopped_leaves_no_line_behind() -> None:
    screen, clock = Screen(), Hand()

    def stopped(line: ProgressLine) -> None:
        clock.seconds += 5
        line.say("working")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), ProgressLine(screen, clock, {}) as line:
        stopped(line)
    assert screen.getvalue().endswith("working\r\x1b[K")


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}])
def test_a_dumb_terminal_gets_nothing(environment: dict[str, str]) -> None:
    screen, clock = Screen(), Hand()
    line = ProgressLine(screen, clock, environment)
    clock.seconds += 5
    line.say("working")
    assert screen.getvalue() == ""


def test_a_stream_that_is_no_terminal_and_quiet_get_nothing() -> None:
    clock = Hand()
    stream, screen = io.StringIO(), Screen()
    lines = [ProgressLine(stream, clock, {}), ProgressLine(screen, clock, {}, quiet=True)]
    clock.seconds += 5
    for line in lines:
        line.say("working")
    assert (stream.getvalue(), screen.getvalue()) == ("", "")
