"""Ending all processes of an instance, as pure steps: ask, wait until a deadline, kill, until none is left.

The first process is asked alone (SIGTERM), so that a server can end its workers in its own order; whoever it leaves
behind is asked next; at the deadline everything that remains is stopped and killed, round after round.
"""

from __future__ import annotations

import contextlib
import signal

from sophia_cli.core.values import dataclass, replace
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.processes import send_signal

_LOOK_AGAIN_S = 0.02
_KILL_AGAIN_S = 0.005


@dataclass(frozen=True, slots=True)
class Ending:
    """An instance that is being ended: until when it is asked (monotonic seconds), and who was asked already."""

    root: ProcessIdentity
    instance: str
    deadline: float
    asked: frozenset[ProcessIdentity] = frozenset()
    killing: bool = False


@dataclass(frozen=True, slots=True)
class SignalStep:
    """A signal to send to exactly one process."""

    identity: ProcessIdentity
    signal: signal.Signals


@dataclass(frozen=True, slots=True)
class EndingStep:
    """What to do next: signals to send in this order, then to look again after some seconds; None: nobody is left."""

    ending: Ending
    signals: tuple[SignalStep, ...]
    look_again_s: float | None


def next_step(ending: Ending, running: tuple[ProcessIdentity, ...], now: float) -> EndingStep:
    """Return what to do about the members of the instance that run now; pure."""
    if not running:
        return EndingStep(ending, (), None)
    if ending.killing or now >= ending.deadline:
        # Stopped first: what cannot run cannot fork while its siblings are killed.
        order = (signal.SIGSTOP, signal.SIGKILL)
        steps = tuple(SignalStep(one, number) for number in order for one in running)
        return EndingStep(replace(ending, killing=True), steps, _KILL_AGAIN_S)
    due = (ending.root,) if ending.root in running else running
    unasked = tuple(one for one in due if one not in ending.asked)
    # A stopped process takes notice only once it continues.
    steps = tuple(SignalStep(one, number) for one in unasked for number in (signal.SIGTERM, signal.SIGCONT))
    again = min(_LOOK_AGAIN_S, ending.deadline - now)
    return EndingStep(replace(ending, asked=ending.asked | frozenset(unasked)), steps, again)


def perform(steps: tuple[SignalStep, ...]) -> None:
    """Send the signals; who ended meanwhile is left out, and so is who may not be signalled."""
    for step in steps:
        with contextlib.suppress(PermissionError):
            send_signal(step.identity, step.signal)
