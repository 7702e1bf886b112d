"""The steps that end an instance, without a process."""

from __future__ import annotations

import signal

from sophia_cli.project.host.ending import Ending, SignalStep, next_step
from sophia_cli.project.host.identity import ProcessIdentity

ROOT = ProcessIdentity(100, 1, "b")
CHILD = ProcessIdentity(101, 2, "b")
OTHER = ProcessIdentity(102, 3, "b")


def signals(steps: tuple[SignalStep, ...]) -> list[tuple[int, str]]:
    return [(step.identity.pid, step.signal.name) for step in steps]


def test_the_first_process_is_asked_alone_and_once() -> None:
    first = next_step(Ending(ROOT, "x", 10.0), (ROOT, CHILD), 0.0)
    assert signals(first.signals) == [(100, "SIGTERM"), (100, "SIGCONT")]
    again = next_step(first.ending, (ROOT, CHILD), 1.0)
    assert again.signals == ()
    assert again.look_again_s is not None


def test_who_is_left_behind_is_asked_next() -> None:
    first = next_step(Ending(ROOT, "x", 10.0), (ROOT, CHILD, OTHER), 0.0)
    second = next_step(first.ending, (CHILD, OTHER), 1.0)
    assert signals(second.signals) == [(101, "SIGTERM"), (101, "SIGCONT"), (102, "SIGTERM"), (102, "SIGCONT")]
    assert next_step(second.ending, (CHILD,), 2.0).signals == ()


def test_at_the_deadline_all_are_stopped_before_any_is_killed() -> None:
    step = next_step(Ending(ROOT, "x", 10.0), (ROOT, CHILD), 10.0)
    assert signals(step.signals) == [(100, "SIGSTOP"), (101, "SIGSTOP"), (100, "SIGKILL"), (101, "SIGKILL")]
    # Once killing began it goes on, whoever shows up.
    late = next_step(step.ending, (OTHER,), 5.0)
    assert [step.signal for step in late.signals] == [signal.SIGSTOP, signal.SIGKILL]


def test_it_is_over_when_nobody_is_left() -> None:
    assert next_step(Ending(ROOT, "x", 10.0), (), 0.0).look_again_s is None


def test_nobody_is_asked_later_than_the_deadline() -> None:
    step = next_step(Ending(ROOT, "x", 10.0), (ROOT,), 9.995)
    assert step.look_again_s is not None
    assert 0 < step.look_again_s <= 0.006
